"""`signal.receivers`, as those who reach into Django's signals know it.

Django keeps its receivers in a list of tuples, which other packages read, count, save,
empty and put back. Here the list is made when somebody asks, and what they do to it is
done to the table.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, WeakMethod, ref

from django.db.models.signals import post_save, pre_save
from django.dispatch import Signal

from clarion._core import registry
from clarion._core.registration import Registration, is_referable, sender_key
from clarion._core.tabled import has_table, set_table, table_of
from clarion.integrations.django.dispatch.policy import DJANGO, SAVES
from clarion.integrations.django.dispatch.table import DjangoTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# Django 6.0 began to keep a reference to the sender as well.
HAS_SENDER_REFERENCE = hasattr(Signal, "_flag_dead_receivers")

_NONE_ID = id(None)


class Entry(tuple[Any, ...]):  # noqa: SLOT001  # a tuple of varying length has no slots
    """One receiver as Django's list has it, which remembers its registration.

    ((receiver's id or dispatch_uid, sender's id), receiver or a reference to it,
    reference to the sender (from Django 6.0 on), whether it is async)
    """

    registration: Registration

    @classmethod
    def of(cls, registration: Registration) -> Entry:
        """Return the entry of a registration."""
        receiver = registration.live()
        sender = registration.sender
        key = registration.uid or _make_id(receiver)
        sender_id = _NONE_ID if registration.sender_key is None else _sender_id(registration)
        held = _reference(receiver) if registration.weak else receiver
        sender_reference = ref(sender) if sender is not None and is_referable(sender) else None
        rest = (sender_reference,) if HAS_SENDER_REFERENCE else ()
        entry = cls(((key, sender_id), held, *rest, registration.is_async))
        entry.registration = registration
        return entry


def _make_id(target: Any) -> object:
    # As django.dispatch.dispatcher, whose own is private.
    if hasattr(target, "__func__"):
        return id(target.__self__), id(target.__func__)
    return id(target)


def _sender_id(registration: Registration) -> object:
    key = registration.sender_key
    return key if isinstance(key, int) else id(registration.sender)


def _reference(receiver: Any) -> ReferenceType[Any]:
    return WeakMethod(receiver) if hasattr(receiver, "__func__") else ref(receiver)


class ReceiverList(list[Entry]):
    """The receivers of one signal at one moment; changing it changes the signal.

    Once `signal.receivers` has been assigned to, the list read before is only a list.
    """

    def __init__(self, signal: Any) -> None:
        table = _table_of(signal)
        super().__init__(Entry.of(r) for r in table.registrations() if r.live() is not None)
        self._signal = signal
        self._assignments = table.assignments

    def _write_back(self) -> None:
        table = _table_of(self._signal)
        if table.assignments == self._assignments:
            assign(self._signal, self)
            self._assignments = table.assignments


def _writing(name: str) -> Callable[..., Any]:
    change = getattr(list, name)

    def write(self: ReceiverList, *args: Any, **kwargs: Any) -> Any:
        result = change(self, *args, **kwargs)
        self._write_back()
        return result

    write.__name__ = name
    return write


for _name in (
    *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse"),
    *("__setitem__", "__delitem__", "__iadd__", "__imul__"),
):
    setattr(ReceiverList, _name, _writing(_name))


def _table_of(signal: Any) -> DjangoTable:
    table: Any = table_of(signal)
    return table  # `attach_table` made it


def attach_table(signal: Any, home: str | None = None) -> None:
    """Give a Django signal a table, and enter it among the signals alive."""
    policy = SAVES if signal is pre_save or signal is post_save else DJANGO
    set_table(signal, DjangoTable(signal, home, policy))
    registry.enter(signal)


def assign(signal: Any, entries: Iterable[Sequence[Any]]) -> None:
    """Make these entries, of ours or of Django's making, the receivers of a signal."""
    if not has_table(signal):
        # Signal.__init__ assigns the first, empty list: a new signal. Its maker's
        # module is two frames up, past the setter and Django.
        attach_table(signal, sys._getframe(3).f_globals.get("__name__"))
    table = _table_of(signal)
    registrations = [r for entry in entries if (r := _registration(signal, entry)) is not None]
    last = -1
    for registration in registrations:
        # The list is in order of connection; who was moved in it is connected anew.
        if registration.order < last:
            registration.come_last()
        last = registration.order
    table.replace(registrations)
    table.assignments += 1


def _registration(signal: Any, entry: Sequence[Any]) -> Registration | None:
    """Return the registration of an entry; None if its receiver or its sender has died."""
    if isinstance(entry, Entry):
        return entry.registration
    (key, sender_id), held, *rest, is_async = entry
    table = table_of(signal)
    weak = isinstance(held, ReferenceType)
    receiver = held() if weak else held
    if receiver is None:
        return None
    sender, of_sender = None, None
    if sender_id != _NONE_ID:
        sender = rest[0]() if rest and rest[0] is not None else _object_with(sender_id)
        of_sender = sender_id if isinstance(sender, UnknownSender) else sender_key(sender)
    uid = None if key == _make_id(receiver) else key
    registration = Registration(
        receiver,
        of_sender,
        weak=weak,
        uid=uid,
        requested=table.policy.requested(receiver),
        on_death=table.on_death,
    )
    registration.is_async = is_async
    registration.sender_of = lambda: sender
    return registration


class UnknownSender:
    """Stands for a sender of which Django kept no more than the id."""

    # Without __weakref__: the table keeps it, as long as somebody listens.
    __slots__ = ("id",)

    def __init__(self, sender_id: int) -> None:
        self.id = sender_id

    def __repr__(self) -> str:
        return f"<the sender with id {self.id:#x}>"


def _object_with(sender_id: int) -> object:
    # Django 5.2 keeps no reference to a sender; most are classes, which the garbage
    # collector knows.
    return next(
        (found for found in gc.get_objects() if id(found) == sender_id), UnknownSender(sender_id)
    )


def _get(self: Any) -> ReceiverList:
    return ReceiverList(self)


def _set(self: Any, entries: Iterable[Sequence[Any]]) -> None:
    assign(self, entries)


receivers = property(_get, _set, doc="The receivers, as Django's list of tuples.")
