"""Convert the entries of Django's list of receivers to registrations, and back."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, WeakMethod, ref

from django.dispatch import Signal

from clarion._core.methods import member_of
from clarion._core.registration import Registration, is_referable, sender_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clarion._core.table import Table

# Django keeps a reference to the sender from 6.0 on.
HAS_SENDER_REFERENCE = hasattr(Signal, "_flag_dead_receivers")

_NONE_ID = id(None)


class Entry(tuple[Any, ...]):  # noqa: SLOT001  # a tuple of varying length has no slots
    """One receiver as in Django's list, with its registration.

    ((receiver's id or dispatch_uid, sender's id), receiver or a reference to it,
    reference to the sender (from Django 6.0 on), whether it is async)
    """

    registration: Registration

    @classmethod
    def of(cls, registration: Registration) -> Entry:
        """Return the entry of a registration."""
        receiver = registration.live()
        sender = registration.sender
        key = registration.uid or _id_of(receiver)
        sender_id = _NONE_ID if registration.sender_key is None else _sender_id(registration)
        held = _reference(receiver) if registration.weak else receiver
        sender_reference = ref(sender) if sender is not None and is_referable(sender) else None
        rest = (sender_reference,) if HAS_SENDER_REFERENCE else ()
        entry = cls(((key, sender_id), held, *rest, registration.is_async))
        entry.registration = registration
        return entry


class UnknownSender:
    """A sender of which only the id is known."""

    # It has no __weakref__, so the table keeps it alive as long as it has a receiver.
    __slots__ = ("id",)

    def __init__(self, sender_id: int) -> None:
        self.id = sender_id

    def __repr__(self) -> str:
        return f"<the sender with id {self.id:#x}>"


def registration_of(entry: Sequence[Any], table: Table) -> Registration | None:
    """Return the registration of an entry; None if its receiver was deleted.

    Args:
        entry: an `Entry`, or a tuple that Django or another package has made.
        table: the table of the signal.
    """
    if isinstance(entry, Entry):
        return entry.registration
    (key, sender_id), held, *rest, is_async = entry
    weak = isinstance(held, ReferenceType)
    receiver = held() if weak else held
    if receiver is None:
        return None
    sender, key_of_sender = None, None
    if sender_id != _NONE_ID:
        sender = rest[0]() if rest and rest[0] is not None else _object_with(sender_id)
        key_of_sender = sender_id if isinstance(sender, UnknownSender) else sender_key(sender)
    uid = None if key in (_make_id(receiver), _id_of(receiver)) else key
    registration = Registration().fill(
        receiver,
        key_of_sender,
        weak=weak,
        uid=uid,
        requested=table.policy.requested(receiver),
        finalizer=table.finalizer,
    )
    registration.is_async = is_async
    registration.sender_of = lambda: sender
    return registration


def _make_id(target: Any) -> object:
    # A copy of the private function in django.dispatch.dispatcher.
    if hasattr(target, "__func__"):
        return id(target.__self__), id(target.__func__)
    return id(target)


def _id_of(receiver: Any) -> object:
    # The same id as `_make_id` for bound methods only. Another object may have a `__func__`, too.
    member = member_of(receiver)
    return id(receiver) if member is None else (id(member.holder), id(member.function))


def _sender_id(registration: Registration) -> object:
    key = registration.sender_key
    return key if isinstance(key, int) else id(registration.sender)


def _reference(receiver: Any) -> ReferenceType[Any]:
    return ref(receiver) if member_of(receiver) is None else WeakMethod(receiver)


def _object_with(sender_id: int) -> object:
    # Django 5.2 keeps no reference to a sender. Most senders are classes, and the garbage
    # collector lists all classes.
    return next(
        (each for each in gc.get_objects() if id(each) == sender_id), UnknownSender(sender_id)
    )
