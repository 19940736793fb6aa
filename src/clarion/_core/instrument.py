"""Instruments: the protocol for code that watches sends.

Attaching an instrument drops the routes of a signal. Its new routes take the slow path,
which calls the instruments. A signal without instruments does not pay for them.
"""

from __future__ import annotations

from time import perf_counter

from clarion._core.fork import new_lock
from clarion._core.locks import acquire
from clarion._core.registry import signals as live_signals
from clarion._core.tabled import table_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion._core.signatures import Receiver

# The instruments of every signal, including signals that are created later.
everywhere: tuple[Instrument, ...] = ()
_lock = new_lock()


class Send:
    """One send that is running.

    An error holds the frames of the send, which hold this object. So this object drops its error and
    its responses when the send has ended: a cycle would keep the arguments alive. An instrument
    that needs them later keeps them itself.

    Attributes:
        signal: the signal that is sent.
        sender: the sender.
        arguments: what every receiver is called with, including `sender`.
        responses: the receivers called so far, each with its response.
        error: in `Instrument.ended`, the exception that ended the send, or None.
        started: a place for the time of its beginning; unset unless an instrument sets it.
    """

    __slots__ = ("arguments", "error", "instruments", "responses", "sender", "signal", "started")

    started: float

    def __init__(
        self, signal: Signal, arguments: dict[str, Any], instruments: tuple[Instrument, ...] = ()
    ) -> None:
        self.signal = signal
        self.sender: object = arguments["sender"]
        self.arguments = arguments
        self.instruments = instruments
        self.responses: list[tuple[Receiver, Any]] = []
        self.error: BaseException | None = None

    def call(self, receiver: Receiver, registration: Registration | None = None) -> Call:
        """Return a block around one call of a receiver."""
        return Call(self.instruments, self.signal, self.sender, receiver, registration, self)

    def allows(self, receiver: Receiver) -> bool:
        """Return whether every instrument allows this send to call the receiver."""
        return all(instrument.allows(self, receiver) for instrument in self.instruments)

    def __enter__(self) -> Self:
        for instrument in self.instruments:
            instrument.began(self)
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        try:
            if self.instruments:
                self.error = error
                for instrument in reversed(self.instruments):
                    instrument.ended(self)
        finally:
            self.error = None
            if error is not None:
                self.responses = []

    def take_responses(self) -> list[tuple[Receiver, Any]]:
        """Return the responses, and keep none."""
        responses, self.responses = self.responses, []
        return responses


class Call:
    """One call of a receiver that instruments watch, in a send or by a worker.

    Attributes:
        instruments: the instruments that watch it.
        signal: the signal.
        sender: the sender.
        receiver: the receiver.
        registration: the registration, if a delivery or a worker makes the call; else None.
        send: the send; None in a worker.
        response: what the receiver, or its delivery, has returned.
        error: in `Instrument.called`, the exception that it has raised, or None.
        seconds: in `Instrument.called`, how long it took.
    """

    __slots__ = (
        "error",
        "instruments",
        "receiver",
        "registration",
        "response",
        "seconds",
        "send",
        "sender",
        "signal",
        "started",
    )

    def __init__(
        self,
        instruments: tuple[Instrument, ...],
        signal: Signal,
        sender: object,
        receiver: Receiver,
        registration: Registration | None = None,
        send: Send | None = None,
    ) -> None:
        self.instruments = instruments
        self.signal = signal
        self.sender = sender
        self.receiver = receiver
        self.registration = registration
        self.send = send
        self.response: Any = None
        self.error: BaseException | None = None
        self.seconds = 0.0
        self.started = perf_counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self.seconds = perf_counter() - self.started
        self.error = error
        try:
            for instrument in self.instruments:
                instrument.called(self)
        finally:
            self.error = None  # it holds the frame that holds this object


class Instrument:
    """A watcher of sends: derive from it and override what is of interest.

    Several threads may call one instrument at the same time.
    """

    # Whether it counts in has_listeners(). Code that calls has_listeners() first would
    # otherwise not send, and the instrument would see nothing.
    listens = False

    def allows(self, send: Send, receiver: Receiver) -> bool:  # noqa: ARG002
        """Return whether this send may call the receiver, just before the call."""
        return True

    def began(self, send: Send) -> None:
        """Handle the beginning of a send, before any receiver is called."""

    def called(self, call: Call) -> None:
        """Handle the end of one call of a receiver: see `Call`. It is not called for a batch."""

    def ended(self, send: Send) -> None:
        """Handle the end of a send, with or without `send.error`."""


def attach(instrument: Instrument, *signals: Signal) -> None:
    """Attach an instrument to these signals; without any, to every present and future one."""
    global everywhere  # noqa: PLW0603
    for signal in signals:
        table = table_of(signal)
        with table.lock:
            table.instruments = (*table.instruments, instrument)
        table.forget_routes()
    if not signals:
        with _lock:
            everywhere = (*everywhere, instrument)
        _forget_all_routes()


def detach(instrument: Instrument, *signals: Signal) -> None:
    """Undo one `attach` with the same arguments."""
    global everywhere  # noqa: PLW0603
    for signal in signals:
        table = table_of(signal)
        with table.lock:
            table.instruments = _without(instrument, table.instruments)
        table.forget_routes()
    if not signals:
        with _lock:
            everywhere = _without(instrument, everywhere)
        _forget_all_routes()


def watched(signal: Signal, registration: Registration, receiver: Receiver) -> Receiver:
    """Return what a worker calls: the receiver, or a function that reports its call to instruments."""
    instruments = table_of(signal).instruments + everywhere
    if not instruments:
        return receiver

    def call(**arguments: Any) -> Any:
        with Call(instruments, signal, arguments.get("sender"), receiver, registration) as made:
            made.response = receiver(**arguments)
            return made.response

    async def acall(**arguments: Any) -> Any:
        with Call(instruments, signal, arguments.get("sender"), receiver, registration) as made:
            made.response = await receiver(**arguments)
            return made.response

    return acall if registration.is_async else call


def switch(instrument: Instrument, *, on: bool, seconds: float) -> None:
    """Attach an instrument to every signal, or detach it, and wait briefly for each table.

    Args:
        instrument: the instrument.
        on: whether to attach it.
        seconds: how long to wait for a table that another thread changes.
    """
    global everywhere  # noqa: PLW0603
    everywhere = (*everywhere, instrument) if on else _without(instrument, everywhere)
    for signal in live_signals():
        table = table_of(signal)
        if acquire(table.lock, seconds):
            try:
                table.forget_routes()
            finally:
                table.lock.release()


def _without(instrument: Instrument, instruments: tuple[Instrument, ...]) -> tuple[Instrument, ...]:
    kept = list(instruments)
    kept.remove(instrument)
    return tuple(kept)


def _forget_all_routes() -> None:
    for signal in live_signals():
        table_of(signal).forget_routes()
