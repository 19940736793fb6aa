"""The callbacks that Django's `on_commit` holds: one for each pending call.

Django calls a callback after the commit and discards it at a rollback, without notice.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary, ref

from clarion._core.names import name_of
from clarion.commit import abandon_calls, run_call
from clarion.commit.run import log_unmerged

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from clarion.commit import PendingCall
    from clarion.commit.drivers.outcome import CommitOutcome

_INTERRUPTED = "which was interrupted, or followed by a hook that raised"

next_position = count(1).__next__
"""Return the position of the next callback or savepoint in this process."""


class Callback:
    """The callback of one pending call.

    Only Django holds it. It is deleted at a rollback, and then drops its call.

    Attributes:
        position: increases with each callback.
        outcome: the outcome of its COMMIT, once that has begun.
    """

    __slots__ = ("__weakref__", "_call", "_receiver", "outcome", "position")

    def __init__(self, call: PendingCall) -> None:
        self._receiver = call.receiver
        self._call: PendingCall | None = call
        self.position = next_position()
        self.outcome: CommitOutcome | None = None

    def take_own(self) -> PendingCall | None:
        """Return the call of this callback alone the first time, and None after that."""
        call, self._call = self._call, None
        return call

    take = take_own

    def drop(self) -> None:
        """Drop the call, because a savepoint was rolled back."""
        call = self.take_own()
        if call is not None:
            call.drop()

    def abandon(self) -> None:
        """Log that the call of a committed transaction does not run, because an earlier hook raised."""
        if (call := self.take_own()) is not None:
            abandon_calls([call], _INTERRUPTED)

    def __call__(self) -> None:
        """Run the call, unless it was taken before."""
        call = self.take()
        if call is not None:
            try:
                run_call(call)
            finally:
                if call.scheduled.outcome is None:
                    abandon_calls([call], _INTERRUPTED)

    def __del__(self) -> None:
        # Django discards it at a rollback, but also after an interrupt in or after the COMMIT.
        if (call := self._call) is None:
            return
        self._call = None
        if self.outcome is None or self.outcome.is_made is False:
            call.drop()
        else:
            abandon_calls([call], _INTERRUPTED, is_made=self.outcome.is_made is True)

    def __repr__(self) -> str:
        return f"<on_commit callback of {name_of(self._receiver)}>"


class MergedCallback(Callback):
    """One of several callbacks with the same key; the first that Django calls runs for all.

    Django does not report which callbacks were rolled back, but it no longer holds them. The
    group holds its members weakly, so those still alive at the first call were committed.
    """

    __slots__ = ("_group", "_index")

    def __init__(self, call: PendingCall, group: CallbackGroup) -> None:
        super().__init__(call)
        self._group = group
        self._index = len(group.members)
        group.members.append(ref(self))

    def take(self) -> PendingCall | None:
        """Return one call for this and all later ones of the group."""
        call = super().take()
        if call is not None:
            for other in self._group.after(self._index):
                if (later := Callback.take(other)) is not None:
                    later.merge(call)
                    call = later
        return call


class CallbackGroup:
    """The callbacks of one connection and one key, in order, held weakly."""

    __slots__ = ("__weakref__", "members")

    def __init__(self) -> None:
        self.members: list[ref[MergedCallback]] = []

    def after(self, index: int) -> Iterator[MergedCallback]:
        """Yield the members alive that were registered after this one."""
        for member in self.members[index + 1 :]:
            if (callback := member()) is not None:
                yield callback


# By connection and key. Callbacks hold their group, so it is deleted with the last of them.
_groups: WeakValueDictionary[tuple[Any, Hashable], CallbackGroup] = WeakValueDictionary()


def callback_for(connection: Any, call: PendingCall) -> Callback:
    """Return a new callback for a call with a key, grouped by connection and key."""
    try:
        group = _groups.setdefault((connection, call.key), CallbackGroup())
    except Exception as error:  # noqa: BLE001  # of the key's __eq__
        log_unmerged(call, error)
        return Callback(call)
    return MergedCallback(call, group)
