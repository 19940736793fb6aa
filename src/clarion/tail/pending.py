"""Watch calls that wait for a commit: how they end, and when.

A waiting call is watched by changing its class. So an unwatched call pays nothing.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from clarion.commit.pending_call import PendingCall, Scheduled

if TYPE_CHECKING:
    from collections.abc import Callable

    # Gets the call, how it ended, how long it took and what it raised.
    Report = Callable[[PendingCall, str, float | None, BaseException | None], None]


class _Watch:
    """What is known of a watched call.

    Args:
        report: called once, when the call has ended.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        self.started: float | None = None


_watched: WeakKeyDictionary[PendingCall, _Watch] = WeakKeyDictionary()
_classes: dict[type[PendingCall], type[PendingCall]] = {}


class _Watched(PendingCall):
    """The methods of a watched call."""

    __slots__ = ()

    def call_arguments(
        self, as_sent: Callable[[PendingCall], dict[str, Any]] | None = None
    ) -> dict[str, Any]:
        """Note the time just before the receiver is called."""
        if (watch := _watched.get(self)) is not None:
            watch.started = perf_counter()
        return super().call_arguments(as_sent)

    def finish(self, response: Any) -> None:
        """Report the end of the call."""
        super().finish(response)
        _end(self, {"ran": "returned", "enqueued": "enqueued"}.get(self.scheduled.outcome or ""))

    def fail(self, error: BaseException) -> None:
        """Report the error."""
        super().fail(error)
        _end(self, "failed", error)

    def merge(self, earlier: PendingCall) -> None:
        """Report the earlier call as merged."""
        super().merge(earlier)
        if earlier is not self:
            _end(earlier, "merged")

    def abandon(self) -> None:
        """Report that the call is abandoned."""
        super().abandon()
        _end(self, "abandoned")

    def drop(self) -> None:
        """Report that the call is dropped."""
        super().drop()
        _end(self, "dropped")


def watch_pending(response: Any, report: Report) -> None:
    """Report how the call behind a response ends, if it still waits."""
    call = response.pending_call() if isinstance(response, Scheduled) else None
    if call is None or call.scheduled.outcome is not None or call in _watched:
        return
    kind: Any = type(call)
    if kind not in _classes:
        _classes[kind] = type(f"Watched{kind.__name__}", (_Watched, kind), {"__slots__": ()})
    _watched[call] = _Watch(report)
    call.__class__ = _classes[kind]


def _end(call: PendingCall, outcome: str | None, error: BaseException | None = None) -> None:
    watch = _watched.pop(call, None)
    if watch is None or outcome is None:
        return
    seconds = None if watch.started is None else perf_counter() - watch.started
    watch.report(call, outcome, seconds, error)
