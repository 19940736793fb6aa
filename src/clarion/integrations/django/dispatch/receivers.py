"""`signal.receivers`, for packages that read or change it.

Django keeps the receivers of a signal in a list of tuples, which other packages read, count,
save, empty and restore. Clarion builds the list when `signal.receivers` is read. A change of
the list changes the table.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from clarion._core.tabled import has_table
from clarion.integrations.django.dispatch.entries import Entry, registration_of
from clarion.integrations.django.dispatch.table import attach_table, django_table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class ReceiverList(list[Entry]):
    """The receivers of one signal at one moment; a change of it changes the signal.

    After an assignment to `signal.receivers`, a change of an older list does not change the signal.
    """

    def __init__(self, signal: Any) -> None:
        table = django_table_of(signal)
        super().__init__(Entry.of(r) for r in table.registrations() if r.live() is not None)
        self._signal = signal
        self._assignments = table.assignments

    def write_back(self) -> None:
        """Set the entries as the receivers of the signal."""
        table = django_table_of(self._signal)
        if table.assignments == self._assignments:
            set_receivers(self._signal, self)
            self._assignments = table.assignments


def _writing(name: str) -> Callable[..., Any]:
    change = getattr(list, name)

    def write(self: ReceiverList, *args: Any, **kwargs: Any) -> Any:
        result = change(self, *args, **kwargs)
        self.write_back()
        return result

    write.__name__ = name
    return write


for _name in (
    *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse"),
    *("__setitem__", "__delitem__", "__iadd__", "__imul__"),
):
    setattr(ReceiverList, _name, _writing(_name))


def set_receivers(signal: Any, entries: Iterable[Sequence[Any]]) -> None:
    """Set these entries, Clarion's or Django's, as the receivers of a signal."""
    if not has_table(signal):
        # Signal.__init__ assigns the first, empty list. The module that creates the signal is
        # three frames up, above the setter and Django.
        attach_table(signal, sys._getframe(3).f_globals.get("__name__"))
    table = django_table_of(signal)
    registrations = [r for entry in entries if (r := registration_of(entry, table)) is not None]
    last = -1
    for registration in registrations:
        # Receivers are called in the order of connection. An entry that other code has moved gets a
        # new position, as if it was connected again.
        if registration.order < last:
            registration.move_to_end()
        last = registration.order
    table.replace(registrations)
    table.assignments += 1


def _get(self: Any) -> ReceiverList:
    return ReceiverList(self)


def _set(self: Any, entries: Iterable[Sequence[Any]]) -> None:
    set_receivers(self, entries)


receivers = property(_get, _set, doc="The receivers, as Django's list of tuples.")
