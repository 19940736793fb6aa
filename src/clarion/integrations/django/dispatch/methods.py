"""What Django's Signal does once it runs on Clarion.

The functions are Clarion's own wherever the two agree. Those written here keep Django's
ways: weak by default, checked only under DEBUG, asgiref between sync and async.
"""

from __future__ import annotations

import logging
import weakref
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db.models.signals import ModelSignal, post_save, pre_save

from clarion._core.loops import Carried
from clarion._core.names import described, name_of
from clarion._core.registration import check_subclasses
from clarion._core.signal import Signal as ClarionSignal
from clarion._core.signal import refuse_uncallable
from clarion._core.signatures import accepts_any_keyword, asks_for
from clarion.errors import SignatureError
from clarion.integrations.django.dispatch.table import live_receivers

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable
    from types import FunctionType
    from typing import TypeVar

    Receiver = Callable[..., Any]
    T = TypeVar("T")

logger = logging.getLogger("django.dispatch")


def connect(
    self: Any,
    receiver: Receiver,
    sender: object = None,
    weak: bool = True,  # noqa: FBT001, FBT002
    dispatch_uid: Hashable = None,
    **options: Any,
) -> None:
    """Connect as `Signal.connect` in Django; the options are those of Clarion's."""
    if weak:
        self._check_receiver(receiver)
        # Refuses what Django refuses, by the name through which Django's own tests watch it.
        holder: Any = receiver
        weakref.ref(holder.__self__ if hasattr(receiver, "__func__") else holder)
    ClarionSignal.connect(self, receiver, sender, bool(weak), dispatch_uid, **options)


def disconnect(
    self: Any,
    receiver: Receiver | None = None,
    sender: object = None,
    dispatch_uid: Hashable = None,
) -> bool:
    """Disconnect as `Signal.disconnect` in Django, which lets nothing be disconnected."""
    if receiver is None and not dispatch_uid:
        return False
    return ClarionSignal.disconnect(self, receiver, sender, dispatch_uid)


def connect_model_signal(
    self: Any,
    receiver: Receiver,
    sender: object = None,
    weak: bool = True,  # noqa: FBT001, FBT002
    dispatch_uid: Hashable = None,
    apps: Any = None,
    **options: Any,
) -> None:
    """Connect as `ModelSignal.connect` in Django: now, or when "app.Model" is there."""
    # A bound method, by which Django's checks know whose operation is pending.
    base: Any = super(ModelSignal, self)
    self._lazy_method(
        base.connect,
        apps,
        receiver,
        sender,
        weak=weak,
        dispatch_uid=dispatch_uid,
        **options,
    )


def _check_receiver(
    self: Any,  # noqa: ARG001
    receiver: Receiver,
    offered: tuple[str, ...] = (),  # noqa: ARG001
    flags: int = 0,  # noqa: ARG001
) -> None:
    if not (settings.configured and settings.DEBUG):
        return
    if not callable(receiver):
        refuse_uncallable(receiver)
    if not accepts_any_keyword(receiver):
        raise SignatureError(
            f"Signal receivers must accept keyword arguments (**kwargs). "
            f"Add **kwargs to {described(receiver)}.",
            receiver,
        )


def _check_sender(self: Any, sender: object, *, subclasses: bool) -> None:  # noqa: ARG001
    check_subclasses(sender, subclasses=subclasses)


def _requested(self: Any, receiver: Receiver) -> tuple[str, ...]:
    if self is not pre_save and self is not post_save:
        return ()
    if not asks_for(receiver, "changes"):
        return ()
    from clarion.integrations.django.orm.changes import Wanted

    return (Wanted.by(receiver),)


def _provide(self: Any, name: Any, arguments: dict[str, Any]) -> Any:  # noqa: ARG001
    # What is wanted knows what to do without it.
    return name.found(arguments)


def _clear_dead_receivers(self: Any) -> None:
    self._table.registrations()


def _log_robust_failure(self: Any, receiver: Receiver, err: Exception) -> None:  # noqa: ARG001
    logger.error(
        "Error calling %s in Signal.send_robust() (%s)",
        getattr(receiver, "__qualname__", None) or name_of(receiver),
        err,
        exc_info=err,
    )


def _complete(self: Any, coroutine: Coroutine[Any, Any, T]) -> T:  # noqa: ARG001
    async def run() -> T:
        return await coroutine

    return async_to_sync(run)()


async def _run_in_thread(self: Any, function: Callable[[], T]) -> T:  # noqa: ARG001
    carried = Carried(function)
    await sync_to_async(carried, thread_sensitive=True)()
    response: T = carried.result()
    return response


_shared = (
    *("has_listeners", "send", "send_robust", "asend", "asend_robust"),
    *("_arguments", "_bind", "_find"),
)

METHODS: dict[str, FunctionType] = {
    **{name: vars(ClarionSignal)[name] for name in _shared},
    "connect": connect,  # type: ignore[dict-item]
    "disconnect": disconnect,  # type: ignore[dict-item]
    "_requested": _requested,  # type: ignore[dict-item]
    "_check_receiver": _check_receiver,  # type: ignore[dict-item]
    "_check_sender": _check_sender,  # type: ignore[dict-item]
    "_clear_dead_receivers": _clear_dead_receivers,  # type: ignore[dict-item]
    "_complete": _complete,  # type: ignore[dict-item]
    "_run_in_thread": _run_in_thread,  # type: ignore[dict-item]
    "_provide": _provide,  # type: ignore[dict-item]
    "_live_receivers": live_receivers,  # type: ignore[dict-item]
    "_log_robust_failure": _log_robust_failure,  # type: ignore[dict-item]
}
"""What stands in django.dispatch.Signal while Django runs on Clarion, by name."""
