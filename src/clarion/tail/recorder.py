"""The instrument that makes events. It is attached while a reader is connected."""

from __future__ import annotations

from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from clarion._core.fork import new_lock
from clarion._core.instrument import Instrument, attach, detach
from clarion._core.names import signal_name
from clarion.tail.events import (
    call_event,
    delivery_word,
    facts_of_call,
    facts_of_response,
    send_event,
    word_of,
)
from clarion.tail.pending import watch_pending

if TYPE_CHECKING:
    from collections.abc import Generator

    from clarion._core.instrument import Call, Send
    from clarion.commit.pending_call import PendingCall
    from clarion.tail.events import Event


class EventSink(Protocol):
    """What takes events: a `Reader`."""

    def put(self, event: Event) -> None:
        """Take an event, without waiting."""
        ...

    def lose(self) -> None:
        """Count an event that could not be made."""
        ...


class _Running:
    """A send that is running: when it began, its calls, and the receivers of them."""

    __slots__ = ("called", "calls", "started")

    def __init__(self) -> None:
        self.started = perf_counter()
        self.calls: list[Event] = []
        self.called: set[int] = set()


class Recorder(Instrument):
    """Makes an event of each send and delivery, for each reader."""

    def __init__(self) -> None:
        self._readers: tuple[EventSink, ...] = ()
        self._running: dict[int, _Running] = {}
        self._lock = new_lock()

    def add(self, reader: EventSink) -> None:
        """Add a reader; with the first one, watch every signal."""
        with self._lock:
            self._readers = (*self._readers, reader)
            if len(self._readers) == 1:
                attach(self)

    def remove(self, reader: EventSink) -> None:
        """Remove a reader; after the last one, watch nothing."""
        with self._lock:
            if reader in self._readers:
                self._readers = tuple(each for each in self._readers if each is not reader)
                if not self._readers:
                    detach(self)
                    self._running.clear()

    def began(self, send: Send) -> None:
        """Note the time."""
        self._running[id(send)] = _Running()

    def called(self, call: Call) -> None:
        """Note a call of a send, or report one of a worker."""
        with self._contained():
            if call.send is None:
                word = delivery_word(call.registration)
                outcome = "returned" if call.error is None else "failed"
                self._put(
                    call_event(
                        call.signal,
                        call.sender,
                        call.receiver,
                        word,
                        outcome=outcome,
                        seconds=call.seconds,
                        error=call.error,
                    )
                )
            elif (running := self._running.get(id(call.send))) is not None:
                running.called.add(id(call.receiver))
                running.calls.append(facts_of_call(call))
                watch_pending(call.response, self._report)

    def ended(self, send: Send) -> None:
        """Report a send with its calls."""
        running = self._running.pop(id(send), None)
        if running is None:
            return
        with self._contained():
            seconds = perf_counter() - running.started
            for receiver, response in send.responses:
                if id(receiver) not in running.called:  # a batch has taken it
                    watch_pending(response, self._report)
                    running.calls.append(facts_of_response(receiver, response, send.error))
            # Sends of Django without calls are left out: it sends two signals for each object that it loads.
            if running.calls or send.error or not signal_name(send.signal).startswith("django."):
                self._put(send_event(send, seconds, running.calls))

    def _report(
        self, call: PendingCall, outcome: str, seconds: float | None, error: BaseException | None
    ) -> None:
        with self._contained():
            event = call_event(
                call.signal,
                call.arguments.get("sender"),
                call.receiver,
                word_of(call.bound.delivery),
                outcome=outcome,
                seconds=seconds,
                error=error,
            )
            self._put(event)

    def _put(self, event: Event) -> None:
        for reader in self._readers:
            reader.put(event)

    @contextmanager
    def _contained(self) -> Generator[None]:
        """Count an event as dropped if reading a name raises, such as a `__qualname__` of the program."""
        try:
            yield
        except Exception:  # noqa: BLE001  # watching a send must not break it
            for reader in self._readers:
                reader.lose()


recorder = Recorder()
"""The recorder of this process, for the readers of all its servers."""
