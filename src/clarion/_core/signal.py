"""Signal: the class that connects receivers and has the four sends as methods."""

from __future__ import annotations

import sys
from types import FunctionType

from clarion._core import names, registry
from clarion._core.arguments import OPTIONS, check_arguments, check_signal_arguments
from clarion._core.checks import check_delivery, check_once, check_order
from clarion._core.compiled import compiled
from clarion._core.connected import Connected, add_in_place
from clarion._core.misnamed import MISNAMED
from clarion._core.policy import ANY_KEYWORD
from clarion._core.registration import Registration, receiver_key, sender_key
from clarion._core.send import asend, asend_robust, send, send_robust
from clarion._core.signatures import (
    CO_KEYWORDS_AND_GENERATORS,
    CO_VARKEYWORDS,
    flags_of,
)
from clarion._core.table import Table
from clarion._core.tabled import Tabled, policy_of
from clarion._core.usable import refuse_uncallable
from clarion.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from contextlib import AbstractContextManager
    from typing import Any, Never, Self, SupportsIndex, TypeVar, Unpack

    from clarion._core.policy import Policy
    from clarion._core.signatures import Receiver
    from clarion.delivery import Bound, Delivery
    from clarion.typing import BlockOptions, NoOptions, PlainConnector

    F = TypeVar("F", bound=Callable[..., Any])

# The default of `receiver`. It is not `None`, because a program may pass that, and it is refused.
MISSING: Any = object()
_NAME_TYPES = (type(None), str)


class Signal(Tabled):
    """An event that receivers can be connected to.

    Args:
        use_caching: accepted as in Django, and ignored: routes are always cached.
        name: the name of the signal. By default it is looked up in the module or class that
            holds the signal.

    As `django.dispatch.Signal` in Django 6.1, except that functions are held strongly by
    default.
    """

    if TYPE_CHECKING:

        def _connector(self) -> PlainConnector: ...

    def __init__(self, use_caching: bool = False, *, name: str | None = None) -> None:  # noqa: FBT001, FBT002
        if use_caching is not False or type(name) not in _NAME_TYPES:
            check_signal_arguments(use_caching, name)
        module = sys._getframe(1).f_globals  # pyright: ignore[reportPrivateUsage]
        self._table = Table(name, module.get("__name__"))
        registry.add(self)
        watch_copies(self, module)

    # Few programs copy a signal, so the code is loaded late.

    def __copy__(self) -> Self:
        from clarion._core.copying import copy_signal

        return copy_signal(self)  # type: ignore[no-any-return]

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        from clarion._core.copying import copy_signal

        return copy_signal(self, memo)  # type: ignore[no-any-return]

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        from clarion._core.copying import reduce_signal

        return reduce_signal(self)

    def __set_name__(self, owner: type, name: str) -> None:
        self._table.name = self._table.name or f"{names.dotted(owner)}.{name}"

    @property
    def name(self) -> str:
        """The dotted name, as given or by the module that holds the signal."""
        return names.signal_name(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def connect(
        self,
        receiver: Receiver = MISSING,
        sender: object = None,
        weak: bool | None = None,  # noqa: FBT001
        dispatch_uid: Hashable | None = None,
        *,
        priority: int = 0,
        once: bool = False,
        subclasses: bool = False,
        inline: bool = False,
        delivery: Delivery | None = None,
        replace: bool = False,
        **unknown: Unpack[NoOptions],
    ) -> Any:
        """Connect a receiver, which each send calls from now on, and return it.

        As in Django 6.1, whose arguments come first. Connecting it twice changes nothing.

        Args:
            receiver: a callable that accepts any keyword; without one, return a decorator.
            sender: the only sender to listen to. Text and integers match by value.
            weak: how the receiver is held; by default methods weakly, others strongly.
            dispatch_uid: identifies the registration instead of the receiver.
            priority: receivers of higher priority are called first.
            once: disconnect the receiver when it is first called, by a send of this process.
            subclasses: listen to the subclasses of `sender`, a class, too.
            inline: in `asend`, call the sync receiver on the event loop; it must not block.
            delivery: when the receiver runs: `on_commit`, say. By default, inside the send.
            replace: replace the receiver with this `dispatch_uid` and sender, at its place.

        Raises:
            ReceiverError: if no send could call the receiver, or it cannot be held weakly.
            SenderError: if no send could be routed by the sender.
            ArgumentError: if an argument is unknown or has a wrong value.
        """
        scope = None
        is_odd = weak is not None and type(weak) is not bool
        if is_odd or type(priority) is not int or dispatch_uid is not None or replace or unknown:
            scope = check_arguments(unknown, priority, dispatch_uid, weak=weak, replace=replace)
        if receiver is MISSING:
            return _decorator(self, locals())
        policy = (table := self._table).policy
        bound = None if delivery is None else _bind(self, delivery, receiver, once=once)
        flags = flags_of(receiver)
        is_plain = policy is ANY_KEYWORD and flags & CO_KEYWORDS_AND_GENERATORS == CO_VARKEYWORDS
        if not is_plain or "." in receiver.__qualname__.rpartition("<locals>.")[2]:
            _check_receiver(self, receiver, sender, bound, flags)
        key = None if sender is None and not subclasses else _key_of(policy, sender, subclasses)
        registration = Registration().fill(
            receiver, key, weak, dispatch_uid, priority, once, subclasses, inline,
            policy.requested(receiver) if policy.provides else (), table.finalizer, bound, flags, scope,
        )  # fmt: skip
        if scope is not None or replace:
            add_in_place(table, registration, sender)
        elif not table.add(registration, sender):
            _warn_if_unchanged(table, registration)
        if table.on_listening is not None:
            table.on_listening(sender, subclasses)
        return receiver

    def connected(
        self,
        receiver: F,
        sender: object = None,
        *,
        context: bool = False,
        **options: Unpack[BlockOptions],
    ) -> AbstractContextManager[F, None]:
        """Connect a receiver while a `with` block runs.

            with order_paid.connected(count, sender=Order):
                checkout(cart)

        Args:
            receiver: as for `connect`; the block holds it, and `as` gives it.
            sender: as for `connect`.
            context: call the receiver only for sends of this context: this thread or task, and
                the tasks and threads that it starts with a copy of its context.
            **options: the other options of `connect`.

        Raises:
            Exception: what `connect` raises, when the block is entered.

        The end of the block disconnects what the block has connected, and nothing else: if the
        receiver was connected before, it stays connected. With `replace=True`, the receiver is
        called in place of the one with the same `dispatch_uid`, which is connected again afterwards.
        """
        return Connected(self, receiver, {"sender": sender, **options}, in_context=bool(context))

    def disconnect(
        self,
        receiver: Receiver | None = None,
        sender: object = None,
        dispatch_uid: Hashable | None = None,
    ) -> bool:
        """Disconnect a receiver.

        Args:
            receiver: the receiver, as it was connected; not needed with a uid.
            sender: the sender it was connected for.
            dispatch_uid: the uid it was connected with, if any.

        Returns:
            Whether it was connected.

        Raises:
            ArgumentError: if neither a receiver nor a uid is given.

        As `Signal.disconnect` in Django 6.1.
        """
        if receiver is None and not dispatch_uid:
            raise ArgumentError(
                "disconnect() was given neither a receiver nor a dispatch_uid. "
                "Give the one that was given to connect()."
            )
        if dispatch_uid:
            key: Hashable = "uid", dispatch_uid
        else:
            key = id(receiver) if type(receiver) is FunctionType else receiver_key(receiver)
        return self._table.remove(key, None if sender is None else sender_key(sender))

    @compiled
    def has_listeners(self, sender: object = None) -> bool:
        """Return whether a send of this sender would reach a receiver or an instrument.

        As `Signal.has_listeners` in Django 6.1.
        """
        route = self._table.find_route(sender)
        if route.strong_receivers or any(instrument.listens for instrument in route.instruments):
            return True
        return any(
            not registration.is_spent and registration.live() is not None
            for registration in route.heard()
        )

    if not TYPE_CHECKING:

        def __call__(self, *_args: object, **_kwargs: object) -> Never:
            """Refuse a call: a signal is sent by its methods."""
            raise ArgumentError(
                f"Signal {self.name} cannot be called. Write signal.send(sender, ...), or "
                f"@receiver(signal) to connect a function."
            )

    send = compiled(send)
    send_robust = compiled(send_robust)
    asend = compiled(asend)
    asend_robust = compiled(asend_robust)


for _name, _misnamed in MISNAMED.items():
    _misnamed.__set_name__(Signal, _name)
    setattr(Signal, _name, _misnamed)


def watch_copies(signal: Signal, module: dict[str, Any]) -> None:
    """Watch a new signal if the file that creates it runs as the main module.

    Args:
        signal: the new signal.
        module: the names of the module that creates it.
    """
    file = module.get("__file__")
    if file is not None and file == getattr(sys.modules.get("__main__"), "__file__", None):
        # Most programs create their signals elsewhere, and do not need this code.
        from clarion._core.main_copy import watch

        watch(signal, module.get("__name__", ""))


def _warn_if_unchanged(table: Table, registration: Registration) -> None:
    from clarion._core.duplicates import check_added

    check_added(table, registration)


def _decorator(signal: Signal, options: dict[str, Any]) -> Callable[[Any], Any]:
    """Return a decorator that connects a function with the options of `connect`."""
    options = {name: options[name] for name in OPTIONS if name != "receiver"}
    return lambda function: signal.connect(function, **options)


def _bind(signal: Signal, delivery: Delivery, receiver: Receiver, *, once: bool) -> Bound | None:
    """Bind a delivery to a receiver; None if the send is to call it."""
    check_delivery(delivery)
    if not callable(receiver):
        refuse_uncallable(receiver)
    bound = delivery.bind(receiver, signal)
    if once:
        check_once(bound, receiver)
    return bound


def _key_of(policy: Policy, sender: object, subclasses: bool) -> Hashable:  # noqa: FBT001
    """Check a sender, and return its key."""
    policy.check_sender(sender, subclasses=subclasses)
    return sender_key(sender)


def _check_receiver(
    signal: Signal, receiver: Receiver, sender: object, bound: Bound | None, flags: int
) -> None:
    if not flags and sender is not None:
        check_order(receiver, sender)
    provided = () if bound is None else bound.provides
    policy_of(signal).check_receiver(signal, receiver, provided, flags)
