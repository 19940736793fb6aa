"""A log of connects and disconnects, so that they can be undone.

The first log replaces the methods that change a table, and they stay replaced. So a program without
tests pays nothing, and a log costs only its entries.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from clarion._core.registration import Registration
from clarion._core.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable

    # The keys of a sender and of a receiver: where a table keeps a registration.
    Place = tuple[Hashable, Hashable]


class ChangeLog:
    """What the changed places of tables contained when the log began.

    Args:
        is_kept: called when a table changes; returns whether `undo` must leave this change.
    """

    def __init__(self, is_kept: Callable[[Table], bool]) -> None:
        self._is_kept = is_kept
        # Weak, because a table may be deleted. An added registration is not kept alive either.
        self._tables: WeakKeyDictionary[Table, _Before] = WeakKeyDictionary()
        self._orders: dict[int, int] = {}
        # The positions of the registrations to undo, in the order of connection. A receiver connected to the
        # name of a class keeps its position when the class is mapped.
        self._added: set[int] = set()

    def note_added(self, table: Table, registration: Registration, *, is_new: bool) -> None:
        """Note that a registration was connected, now or before."""
        place = registration.sender_key, registration.key
        before = self._tables.get(table)
        if before is None and not is_new:
            return
        if registration.order not in self._added and self._is_kept(table):
            if before is not None and before.places.get(place, registration) is None:
                del before.places[place]
        elif is_new:
            self._added.add(registration.order)
            self._before(table).places.setdefault(place, None)

    def note_removed(self, table: Table, registration: Registration) -> None:
        """Note that a registration was disconnected, or was called with `once=True`."""
        if registration.is_spent or not self._is_kept(table):
            place = registration.sender_key, registration.key
            self._before(table).places.setdefault(place, registration)

    def note_moved(self, registration: Registration) -> None:
        """Note that a registration is about to move to the end of the order."""
        self._orders.setdefault(id(registration), registration.order)

    def undo(self) -> None:
        """Restore each place, except in tables whose `receivers` were assigned."""
        for reference in self._tables.keyrefs():  # a list, because a finalizer may connect
            table = reference()
            if table is None:
                continue
            before = self._tables[table]
            if _assignments(table) == before.assignments:
                for place, registration in before.places.items():
                    self._restore(table, place, registration)

    def _before(self, table: Table) -> _Before:
        return self._tables.setdefault(table, _Before(table))

    def _restore(self, table: Table, place: Place, before: Registration | None) -> None:
        sender_key, key = place
        now = table.find_registration(key, sender_key)
        if now is not None:
            _ORIGINAL["discard"](table, now)
        if before is None or before.live() is None:
            return
        sender = before.sender
        if sender is not None or sender_key is None:
            before.restore(self._orders.get(id(before), before.order))
            _ORIGINAL["add"](table, before, sender)


class _Before:
    def __init__(self, table: Table) -> None:
        self.assignments = _assignments(table)
        self.places: dict[Place, Registration | None] = {}


def _assignments(table: Table) -> int:
    """Return how often other code assigned to `receivers`, which Django allows."""
    count: int = getattr(table, "assignments", 0)
    return count


_logs: list[ChangeLog] = []


@contextmanager
def logged(is_kept: Callable[[Table], bool]) -> Generator[None]:
    """Log the changes of a block, and undo them at its end."""
    _watch()
    log = ChangeLog(is_kept)
    _logs.append(log)
    try:
        yield
    finally:
        _logs.remove(log)
        log.undo()


_CHANGING = ("add", "put", "remove", "discard")
_ORIGINAL: dict[str, Any] = {name: vars(Table)[name] for name in _CHANGING}
_move_to_end = Registration.move_to_end


def _watch() -> None:
    if Table.add is not _add:
        for name, method in zip(_CHANGING, (_add, _put, _remove, _discard), strict=True):
            setattr(Table, name, method)
        Registration.move_to_end = _note_move_to_end  # type: ignore[method-assign]


def _add(self: Table, registration: Registration, sender: object = None) -> bool:
    is_new: bool = _ORIGINAL["add"](self, registration, sender)
    for log in _logs.copy():
        log.note_added(self, registration, is_new=is_new)
    return is_new


def _put(self: Table, registration: Registration, sender: object = None) -> Registration | None:
    replaced: Registration | None = _ORIGINAL["put"](self, registration, sender)
    if replaced is not None:  # otherwise `add` has noted it
        for log in _logs.copy():
            log.note_removed(self, replaced)
            log.note_added(self, registration, is_new=True)
    return replaced


def _remove(self: Table, key: Hashable, of_sender: Hashable) -> bool:
    with self.lock:
        registration = self.find_registration(key, of_sender) if _logs else None
        is_removed: bool = _ORIGINAL["remove"](self, key, of_sender)
    if registration is not None and is_removed:
        for log in _logs.copy():
            log.note_removed(self, registration)
    return is_removed


def _discard(self: Table, registration: Registration) -> bool:
    is_removed: bool = _ORIGINAL["discard"](self, registration)
    if is_removed:
        for log in _logs.copy():
            log.note_removed(self, registration)
    return is_removed


def _note_move_to_end(self: Registration) -> None:
    for log in _logs.copy():
        log.note_moved(self)
    _move_to_end(self)
