"""Receivers that belong to an object: bound methods, and what decorators make of them.

Only `types.MethodType` is a bound method. Mocks, proxies and wrappers have a `__func__` too, and
calling that would skip what they do. So their key is their own identity. One exception: a
decorator of wrapt, for example, binds by itself and makes a new wrapper at each access. The key
of such a wrapper has the type, the object and the function.
"""

from __future__ import annotations

from types import MethodType
from weakref import ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any

    _Reference = ref[Any]
else:
    _Reference = ref


class ReceiverRef(_Reference):
    """A weak reference with the keys of the registration to remove."""

    __slots__ = ("registration_key", "sender_key")

    registration_key: Hashable
    sender_key: Hashable


class Member:
    """A receiver that its object makes at each access.

    Attributes:
        holder: the object.
        function: the function of the method.
        name: the attribute to read again; None for a bound method.
    """

    __slots__ = ("function", "holder", "name")

    def __init__(self, holder: Any, function: Any, name: str | None = None) -> None:
        self.holder = holder
        self.function = function
        self.name = name


class AttributeRef:
    """A weak reference to a receiver that is read from its object at each call."""

    __slots__ = ("name", "reference")

    def __init__(self, reference: ReceiverRef, name: str) -> None:
        self.reference = reference
        self.name = name

    def __call__(self) -> Any:
        """Return the receiver, or None if its object has died."""
        holder = self.reference()
        return None if holder is None else getattr(holder, self.name)


def member_of(receiver: Any) -> Member | None:
    """Return the object and the function of a bound method or of its wrapper, or None."""
    # By type(), because isinstance() asks a proxy for the class of its object.
    if type(receiver) is MethodType:
        return Member(receiver.__self__, receiver.__func__)
    try:
        function, holder, name = receiver.__func__, receiver.__self__, receiver.__name__
        again = getattr(holder, name) if type(name) is str else receiver
        # Stubs have an attribute of any name. Only a second access shows a wrapper.
        if again is receiver or type(again) is not type(receiver):
            return None
        is_same = again.__self__ is holder and again.__func__ is function
    except Exception:  # noqa: BLE001  # the attributes of a proxy may raise anything
        return None
    return Member(holder, function, name) if is_same else None


def key_of_member(receiver: object) -> Hashable | None:
    """Return a key that is the same at each access; None for any other receiver."""
    member = member_of(receiver)
    if member is None:
        return None
    key = id(member.holder), id(member.function)
    return key if member.name is None else (*key, id(type(receiver)))
