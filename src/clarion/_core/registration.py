"""Registrations: one for each receiver that is connected to a signal.

A registration identifies its receiver, holds it strongly or weakly, and keeps the options
of `connect`. It has no reference to its signal or table, so that a signal is freed without
the garbage collector.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from types import BuiltinMethodType, FunctionType, MethodType

from clarion._core import names
from clarion._core.methods import AttributeRef, ReceiverRef, key_of_member, member_of
from clarion._core.signatures import CO_COROUTINE, is_async, is_coroutine_function
from clarion.errors import WeakReferenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any, Self

    from clarion._core.scopes import Scope
    from clarion._core.signatures import Receiver
    from clarion.delivery import Bound

_next_order = count().__next__

# Senders that match by equality. Members of an enumeration are not listed, because each
# exists once. The type is part of the key, so that text is never compared with bytes.
BY_VALUE: tuple[type, ...] = (str, bytes, int)


def receiver_key(receiver: object) -> Hashable:
    """Return the key of a receiver: its identity, or that of a method's parts.

    A bound method is a new object at each access, so the key is that of its object and its
    function. A builtin method has no function; its name is used.
    """
    if type(receiver) is FunctionType:
        return id(receiver)
    receiver = bare(receiver)
    if type(receiver) is BuiltinMethodType:
        return id(receiver.__self__), receiver.__name__
    return key_of_member(receiver) or id(receiver)


def bare(receiver: Any) -> Any:
    """Return the function of a static method, as attribute access on its class does."""
    return receiver.__func__ if type(receiver) is staticmethod else receiver


def sender_key(sender: object) -> Hashable:
    """Return the key of a sender: its value if it matches by value, or its identity."""
    # By type(), because isinstance() asks a proxy for the class of its object. A proxy is a
    # sender of its own, as in Django.
    kind = type(sender)
    if issubclass(kind, BY_VALUE):
        return next(root for root in BY_VALUE if issubclass(kind, root)), sender
    return id(sender)


def no_sender() -> None:
    """Return None, which means any sender."""


class Registration:
    """One receiver, connected to one signal for one sender or for any.

    Attributes:
        key: identifies it among those of its sender: the dispatch_uid, or the receiver's key.
        sender_key: the key of the sender it listens to; None for any.
        sender_of: returns that sender, or None if it has died; set by the table.
        uid: the dispatch_uid of `connect`, or None.
        is_async: whether the receiver is awaited.
        is_native: whether calling it returns a coroutine that has not started.
        once: whether it may be called only once.
        priority: as given to `connect`, like `subclasses` and `inline`.
        requested: the names of the extra arguments that the receiver requests, such as `signal`.
        delivery: the option `delivery`, bound to the receiver; None if the send calls it.
        order: its position in the order of connection, across all signals.
        scope: the block of `connected` that it belongs to, or None.
    """

    __slots__ = (
        "_function",
        "_receiver",
        "_reference",
        "_unspent",
        "delivery",
        "inline",
        "is_async",
        "is_native",
        "key",
        "once",
        "order",
        "priority",
        "requested",
        "scope",
        "sender_key",
        "sender_of",
        "subclasses",
        "uid",
    )

    # No `__init__`, because `Registration()` is much faster without one.
    def fill(
        self,
        receiver: Receiver,
        sender_key: Hashable = None,
        weak: bool | None = None,  # noqa: FBT001
        uid: Hashable | None = None,
        priority: int = 0,
        once: bool = False,  # noqa: FBT001, FBT002
        subclasses: bool = False,  # noqa: FBT001, FBT002
        inline: bool = False,  # noqa: FBT001, FBT002
        requested: tuple[str, ...] = (),
        finalizer: Callable[[Any], object] | None = None,
        delivery: Bound | None = None,
        flags: int = 0,
        scope: Scope | None = None,
    ) -> Self:
        """Set all attributes from the options of `connect`, and return the registration."""
        self.uid = uid
        self.sender_key = sender_key
        self.sender_of: Callable[[], object] = no_sender
        if flags:  # a plain function
            self.key: Hashable = id(receiver)
            self.is_async = self.is_native = flags & CO_COROUTINE != 0
        else:
            receiver = bare(receiver)
            self.key = receiver_key(receiver)
            self.is_async = is_async(receiver)
            self.is_native = self.is_async and is_coroutine_function(receiver)
        if uid:
            self.key = "uid", uid
        self.scope = scope
        if scope is not None:
            self.key = scope, self.key
        self.priority = priority
        self.subclasses = subclasses
        self.inline = inline
        self.requested = requested
        self.delivery = delivery
        self.order = _next_order()
        self.once = once
        self._unspent = deque((None,)) if once else None
        self._receiver: Receiver | None = receiver
        self._reference: ReceiverRef | AttributeRef | None = None
        self._function: Any = None
        if weak or (weak is None and not flags):
            self._hold_weakly(receiver, weak=weak, finalizer=finalizer)
        return self

    def _hold_weakly(
        self, receiver: Any, *, weak: bool | None, finalizer: Callable[[Any], object] | None
    ) -> None:
        member = member_of(receiver)
        holder = receiver if member is None else member.holder
        # By default a function is held strongly, because a lambda or a closure would be freed
        # at once. A method is held weakly if its object can be weakly referenced.
        if weak is None and (member is None or not is_referable(holder)):
            return
        try:
            reference = ReceiverRef(holder, finalizer)
        except TypeError:
            raise WeakReferenceError(
                f"Receiver {names.name_of(receiver)} cannot be held weakly, because "
                f"{type(holder).__qualname__!r} objects cannot be weakly referenced. "
                f"Connect it with weak=False.",
                receiver,
            ) from None
        reference.registration_key = self.key
        reference.sender_key = self.sender_key
        self._receiver, self._reference = None, reference
        if member is not None and member.name is not None:
            self._reference = AttributeRef(reference, member.name)
        elif member is not None:
            self._function = member.function

    def live(self) -> Receiver | None:
        """Return the receiver, or None if it has died."""
        if self._reference is None:
            return self._receiver
        holder = self._reference()
        if holder is None or self._function is None:
            return holder
        return MethodType(self._function, holder)

    def copy(
        self, receiver: Receiver, sender_key: Hashable, finalizer: Callable[[Any], object]
    ) -> Registration:
        """Return a registration with the same options and order, for another sender or table."""
        # fmt: off
        copied = Registration().fill(
            receiver, sender_key, self.weak, self.uid, self.priority, self.once, self.subclasses,
            self.inline, self.requested, finalizer, self.delivery, scope=self.scope,
        )
        # fmt: on
        copied.is_async, copied.is_native = self.is_async, self.is_native
        copied.order = self.order
        if self.scope is not None:
            self.scope.registrations.append(copied)
        return copied

    def is_held_by(self, reference: ReceiverRef) -> bool:
        """Return whether this reference holds the receiver."""
        held = self._reference
        return (held.reference if type(held) is AttributeRef else held) is reference

    def move_to_end(self) -> None:
        """Move to the end of the order of connection, as if connected now."""
        self.order = _next_order()

    def restore(self, order: int) -> None:
        """Restore a position in the order of connection, and the only call of `once=True`."""
        self.order = order
        if self.once:
            self._unspent = deque((None,))

    def claim(self) -> bool:
        """Return whether the receiver may be called; with `once`, only the first time."""
        if self._unspent is None:
            return True
        try:
            self._unspent.pop()
        except IndexError:
            return False
        return True

    @property
    def own_key(self) -> Hashable:
        """The key that it would have without a block."""
        return self.key if self.scope is None else self.key[1]  # type: ignore[index]

    @property
    def identity(self) -> tuple[Hashable, Hashable]:
        """The key of its sender, and its own key."""
        return self.sender_key, self.own_key

    @property
    def weak(self) -> bool:
        """Whether the receiver is held weakly."""
        return self._reference is not None

    @property
    def rank(self) -> tuple[int, bool, int]:
        """The sort key in the order of a send."""
        return -self.priority, self.is_async, self.order

    @property
    def is_spent(self) -> bool:
        """Whether the only call of `once=True` is used up."""
        return self._unspent is not None and not self._unspent

    @property
    def is_simple(self) -> bool:
        """Whether a send only has to call the receiver."""
        is_bare = not (self.once or self.requested) and self.delivery is None
        return is_bare and not self.is_async

    @property
    def is_simple_async(self) -> bool:
        """Whether `asend` only has to await the receiver, if there is no other."""
        is_bare = not (self.once or self.requested) and self.delivery is None
        return self.is_async and self.is_native and is_bare

    @property
    def sender(self) -> object:
        """The sender it listens to; None for any, or if it has died."""
        return self.sender_of()

    @property
    def name(self) -> str:
        """The dotted name of the receiver."""
        receiver = self.live()
        return "a receiver that has died" if receiver is None else names.name_of(receiver)

    @property
    def place(self) -> tuple[str, int] | None:
        """The file and line of the receiver; None if it is not written in Python."""
        return names.place_of(self.live())

    @property
    def traits(self) -> list[str]:
        """The options that are not the default, in words."""
        traits = ["async"] if self.is_async else []
        traits += [f"priority {self.priority}"] if self.priority else []
        options = {"once": self.once, "inline": self.inline}
        traits += [name for name, is_set in options.items() if is_set]
        traits += ["held weakly"] if self.weak else []
        if self.scope is not None:
            traits.append(f"connected for a block{' of one context' * self.scope.in_context}")
        return traits

    def __repr__(self) -> str:
        receiver = self.live()
        shown = [self.name if receiver is None else names.described(receiver)]
        shown += [] if self.sender_key is None else [f"sender {names.sender_name(self.sender)}"]
        shown += [*(["subclasses"] if self.subclasses else []), *self.traits]
        shown += [] if self.uid is None else [f"dispatch_uid {names.quoted_name(self.uid)}"]
        if self.delivery is not None:
            delivery = getattr(self.delivery, "delivery", self.delivery)
            shown.append(f"delivery {names.option_name(delivery)}")
        return f"<Registration of {', '.join(shown)}>"


def is_referable(holder: object) -> bool:
    """Return whether an object can be weakly referenced."""
    return type(holder).__weakrefoffset__ != 0
