"""The one protocol through which a send is watched.

A signal that nobody watches knows nothing of this: its routes hold the receivers
themselves. Attaching an instrument makes the routes be built anew, and those that are
watched take the longer road in `travel.py`, which tells the instruments. Detaching
takes everything back.
"""

from __future__ import annotations

from _thread import RLock

from clarion._core.tabled import table_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from clarion._core.signal import Signal
    from clarion._core.signatures import Receiver

# Who watches every signal, those yet to be made included.
everywhere: tuple[Instrument, ...] = ()
_lock = RLock()


class Send:
    """One send under way.

    Attributes:
        signal: the signal that is sent.
        sender: by whom.
        arguments: what every receiver is called with, `sender` included.
        responses: the receivers called so far with what they answered; all of them
            once the send has ended.
        error: the exception that ended the send, or None.
    """

    __slots__ = ("arguments", "error", "instruments", "responses", "sender", "signal")

    def __init__(
        self, signal: Signal, arguments: dict[str, Any], instruments: tuple[Instrument, ...] = ()
    ) -> None:
        self.signal = signal
        self.sender: object = arguments["sender"]
        self.arguments = arguments
        self.instruments = instruments
        self.responses: list[tuple[Receiver, Any]] = []
        self.error: BaseException | None = None

    def allows(self, receiver: Receiver) -> bool:
        """Tell whether every instrument lets the receiver hear this send."""
        return all(instrument.allows(self, receiver) for instrument in self.instruments)

    def __enter__(self) -> Self:
        for instrument in self.instruments:
            instrument.began(self)
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self.error = error
        for instrument in reversed(self.instruments):
            instrument.ended(self)


class Instrument:
    """Watches sends. Derive from it and override what is of interest.

    One instrument may be told of several sends at once, from several threads.
    """

    # Whether watching a signal is a reason to send it: senders who ask has_listeners()
    # first would otherwise leave an onlooker without anything to look at.
    listens = False

    def allows(self, send: Send, receiver: Receiver) -> bool:  # noqa: ARG002
        """Tell whether the receiver may hear this send; asked just before its call."""
        return True

    def began(self, send: Send) -> None:
        """Take note that a send has begun, before any receiver is called."""

    def ended(self, send: Send) -> None:
        """Take note that a send has ended, well or with `send.error`."""


def attach(instrument: Instrument, *signals: Signal) -> None:
    """Have an instrument watch these signals; without any, every signal there is or will be."""
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
    """Undo one `attach` of the same arguments."""
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


def _without(instrument: Instrument, instruments: tuple[Instrument, ...]) -> tuple[Instrument, ...]:
    kept = list(instruments)
    kept.remove(instrument)
    return tuple(kept)


def _forget_all_routes() -> None:
    from clarion._core.registry import signals

    for signal in signals():
        table_of(signal).forget_routes()
