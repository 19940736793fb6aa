"""Signal: who listens, who hears, and the four sends, together."""

from __future__ import annotations

import sys
from types import FunctionType

from clarion._core import loops, names, registry, thread_loop
from clarion._core.compiled import compiled
from clarion._core.registration import Registration, check_sender, receiver_key, sender_key
from clarion._core.send import asend, asend_robust, send, send_robust
from clarion._core.signatures import CO_VARKEYWORDS, accepts_any_keyword, flags_of
from clarion._core.table import Table, Tabled
from clarion.errors import ArgumentError, NotCallableError, SignatureError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable
    from typing import Any, Never, TypeVar

    from clarion._core.signatures import Receiver
    from clarion.delivery import Bound, Delivery
    from clarion.typing import PlainConnector

    T = TypeVar("T")


class Signal(Tabled):
    """Something that happens, and that receivers can listen to.

    Args:
        use_caching: accepted for Django's sake; routes make it needless.
        name: what to call it. By default it is called by the module (or class) that
            holds it, looked up when somebody asks.

    As `django.dispatch.Signal` in Django 6.1, except that functions are held strongly
    unless told otherwise.
    """

    if TYPE_CHECKING:

        def _connector(self) -> PlainConnector: ...

    def __init__(self, use_caching: bool = False, *, name: str | None = None) -> None:  # noqa: ARG002, FBT001, FBT002
        self._table = Table(name, sys._getframe(1).f_globals.get("__name__"))
        registry.enter(self)

    def __set_name__(self, owner: type, name: str) -> None:
        self._table.name = self._table.name or f"{names.dotted(owner)}.{name}"

    @property
    def name(self) -> str:
        """The dotted name, as given or of the module that holds the signal."""
        return names.signal_name(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def connect(
        self,
        receiver: Receiver,
        sender: object = None,
        weak: bool | None = None,  # noqa: FBT001
        dispatch_uid: Hashable | None = None,
        *,
        priority: int = 0,
        once: bool = False,
        subclasses: bool = False,
        inline: bool = False,
        delivery: Delivery | None = None,
        **unknown: Never,
    ) -> None:
        """Have a receiver called at each send.

        Connecting it again for the same sender changes nothing.

        Args:
            receiver: a callable, sync or async, that accepts any keyword.
            sender: whose sends to hear; None for everybody's. Senders match by
                identity; text, bytes and integers by equality.
            weak: True holds the receiver weakly, False strongly. By default bound
                methods go with their object, and everything else is held strongly.
            dispatch_uid: what to know the registration by, instead of the receiver. A
                second one with the same uid and sender is ignored.
            priority: receivers of higher priority are called first.
            once: disconnect the receiver when it is first called.
            subclasses: hear the subclasses of `sender`, a class, too.
            inline: in `asend`, call the sync receiver on the event loop instead of in a
                thread; it must not block.
            delivery: when the receiver runs: `on_commit`, say. By default, inside the send.

        Raises:
            ReceiverError: if the receiver is not callable, could not be called, or cannot
                be weakly referenced under `weak=True`.
            SenderError: if the sender is unhashable, or no class under `subclasses=True`.
            ArgumentError: if there is an argument that nobody knows, the uid is
                unhashable, the priority is no integer or the delivery is none.

        As `Signal.connect` in Django 6.1, whose arguments come first.
        """
        if unknown or type(priority) is not int or dispatch_uid is not None:
            _check_arguments(unknown, priority, dispatch_uid)
        bound = None if delivery is None else self._bind(delivery, receiver)
        flags = flags_of(receiver)
        self._check_receiver(receiver, () if bound is None else bound.provides, flags)
        if sender is not None or subclasses:
            self._check_sender(sender, subclasses=subclasses)
        key, requested = None if sender is None else sender_key(sender), self._requested(receiver)
        # By two short roads, for calling a class with slots, or by keyword, is a long one.
        registration = Registration.__new__(Registration)
        # fmt: off
        registration.__init__(  # type: ignore[misc]
            receiver, key, weak, dispatch_uid, priority, once, subclasses, inline, requested,
            self._table.on_death, bound, flags,
        )
        # fmt: on
        self._table.add(registration, sender)

    def disconnect(
        self,
        receiver: Receiver | None = None,
        sender: object = None,
        dispatch_uid: Hashable | None = None,
    ) -> bool:
        """Have a receiver called no more.

        Args:
            receiver: the receiver, as it was connected; needless with a uid.
            sender: the sender it was connected for.
            dispatch_uid: the uid it was connected with, if it was.

        Returns:
            Whether there was such a receiver.

        Raises:
            ArgumentError: if neither a receiver nor a uid is given.

        As `Signal.disconnect` in Django 6.1.
        """
        if receiver is None and not dispatch_uid:
            raise ArgumentError(
                "disconnect() was told neither a receiver nor a dispatch_uid. "
                "Give the one that was given to connect()."
            )
        if dispatch_uid:
            key: Hashable = "uid", dispatch_uid
        else:
            key = id(receiver) if type(receiver) is FunctionType else receiver_key(receiver)
        return self._table.remove(key, None if sender is None else sender_key(sender))

    @compiled
    def has_listeners(self, sender: object = None) -> bool:
        """Tell whether anybody would hear a send of this sender, an onlooker included.

        As `Signal.has_listeners` in Django 6.1.
        """
        route = self._table.find(sender)
        if route.strong_receivers or any(instrument.listens for instrument in route.instruments):
            return True
        return any(
            not registration.is_spent and registration.live() is not None
            for registration in route.registrations
        )

    send = compiled(send)
    send_robust = compiled(send_robust)
    asend = compiled(asend)
    asend_robust = compiled(asend_robust)

    def _bind(self, delivery: Delivery, receiver: Receiver) -> Bound | None:
        """Bind a delivery to a receiver; None if it is to be called inside the send."""
        if not hasattr(delivery, "bind"):
            raise ArgumentError(
                f"delivery {delivery!r} is no delivery. Give one, such as clarion.on_commit; "
                f"without any, the receiver is called inside the send.",
                ["delivery"],
            )
        if not callable(receiver):
            refuse_uncallable(receiver)
        return delivery.bind(receiver, self)

    def _find(
        self, receiver: Receiver | None, sender: object = None, dispatch_uid: Hashable | None = None
    ) -> Registration | None:
        """Return the registration that connecting so has made, or None."""
        key = ("uid", dispatch_uid) if dispatch_uid else receiver_key(receiver)
        return self._table.get(key, None if sender is None else sender_key(sender))

    # What a kind of signal may do in its own way.

    def _arguments(self, sender: object, named: dict[str, Any]) -> dict[str, Any]:
        """Return what each receiver is called with; `named` may be filled."""
        if "signal" in named:
            raise ArgumentError(
                f"Signal {names.signal_name(self)} was sent with a keyword 'signal', which receivers get from "
                f"the send itself. Choose another name for it.",
                ["signal"],
            )
        named["signal"] = self
        named["sender"] = sender
        return named

    def _check_receiver(
        self,
        receiver: Receiver,
        offered: tuple[str, ...] = (),  # noqa: ARG002
        flags: int = 0,
    ) -> None:
        """Refuse a receiver that could not be called.

        Its delivery offers it something, too; and its flags are those of `flags_of`.
        """
        if not flags & CO_VARKEYWORDS and not accepts_any_keyword(receiver):
            if not callable(receiver):
                refuse_uncallable(receiver)
            raise SignatureError(
                f"Signal receivers must accept keyword arguments (**kwargs). "
                f"Add **kwargs to {names.described(receiver)}.",
                receiver,
            )

    def _check_sender(self, sender: object, *, subclasses: bool) -> None:
        """Refuse a sender that a send could not be routed by."""
        check_sender(sender, subclasses=subclasses)

    def _requested(self, receiver: Receiver) -> tuple[str, ...]:  # noqa: ARG002
        """Return the names of what the receiver must be given beyond the arguments."""
        return ()

    def _provide(self, name: str, arguments: dict[str, Any]) -> Any:  # noqa: ARG002
        """Return what a receiver has asked for by this name."""
        return self

    def _log_robust_failure(self, receiver: Receiver, error: Exception) -> None:
        import logging

        logging.getLogger("clarion").error(
            "Error calling %s in Signal.send_robust() (%s)",
            names.name_of(receiver),
            error,
            exc_info=error,
        )

    def _complete(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to completion where no event loop runs."""
        return thread_loop.complete(coroutine)

    async def _run_in_thread(self, function: Callable[[], T]) -> T:
        """Run a function in a thread."""
        return await loops.run_in_thread(function)


def refuse_uncallable(receiver: object) -> Never:
    """Refuse a receiver that is not callable."""
    raise NotCallableError(
        f"Signal receivers must be callable. {receiver!r} is not; connect a function.",
        receiver,
    )


def _check_arguments(unknown: dict[str, Never], priority: object, uid: object) -> None:
    if unknown:
        _refuse_unknown(unknown)
    if not isinstance(priority, int):
        raise ArgumentError(
            f"priority {priority!r} is not an integer. Higher integers are called first; 0 is usual.",
            ["priority"],
        )
    try:
        hash(uid)
    except TypeError:
        raise ArgumentError(
            f"dispatch_uid {uid!r} is unhashable. Give a string, or a tuple of strings.",
            ["dispatch_uid"],
        ) from None


def _refuse_unknown(unknown: dict[str, Never]) -> None:
    from difflib import get_close_matches
    from inspect import signature

    known = [
        name for name in signature(Signal.connect).parameters if name not in ("self", "unknown")
    ]
    name = min(unknown)
    close = get_close_matches(name, known, n=1)
    cure = f"Did you mean {close[0]!r}?" if close else f"It knows {', '.join(known)}."
    raise ArgumentError(f"connect() knows no argument {name!r}. {cure}", unknown)
