"""The methods of Django's `Signal` while it runs on Clarion.

They are Clarion's own where the two agree. Those defined here keep Django's defaults; the other
differences are in `policy.py`.
"""

from __future__ import annotations

import logging
import weakref
from typing import TYPE_CHECKING, Any

from django.db.models.signals import ModelSignal

from clarion._core.methods import member_of
from clarion._core.names import name_of
from clarion._core.signal import Signal as ClarionSignal
from clarion._core.tabled import policy_of, table_of
from clarion.integrations.django.dispatch.table import live_receivers

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from types import FunctionType

    Receiver = Callable[..., Any]

logger = logging.getLogger("django.dispatch")


def connect(
    self: Any,
    receiver: Receiver,
    sender: object = None,
    weak: bool = True,  # noqa: FBT001, FBT002
    dispatch_uid: Hashable = None,
    **options: Any,
) -> None:
    """Connect as `Signal.connect` in Django, with Clarion's options too."""
    if weak:
        policy_of(self).check_receiver(self, receiver)
        # It raises as in Django, whose own tests replace `weakref.ref`.
        member = member_of(receiver)
        weakref.ref(receiver if member is None else member.holder)
    ClarionSignal.connect(self, receiver, sender, bool(weak), dispatch_uid, **options)


def disconnect(
    self: Any,
    receiver: Receiver | None = None,
    sender: object = None,
    dispatch_uid: Hashable = None,
) -> bool:
    """Disconnect as `Signal.disconnect` in Django; without a receiver, return False."""
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
    """Connect as `ModelSignal.connect` in Django: now, or when "app.Model" is loaded."""
    # A bound method, from which Django's checks take the name of the signal.
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


def _clear_dead_receivers(self: Any) -> None:
    table_of(self).registrations()


def _log_robust_failure(self: Any, receiver: Receiver, err: Exception) -> None:  # noqa: ARG001
    logger.error(
        "Error calling %s in Signal.send_robust() (%s)",
        getattr(receiver, "__qualname__", None) or name_of(receiver),
        err,
        exc_info=err,
    )


_shared = ("has_listeners", "send", "send_robust", "asend", "asend_robust")

METHODS: dict[str, FunctionType] = {
    **{name: vars(ClarionSignal)[name] for name in _shared},
    "connect": connect,  # type: ignore[dict-item]
    "disconnect": disconnect,  # type: ignore[dict-item]
    "_clear_dead_receivers": _clear_dead_receivers,  # type: ignore[dict-item]
    "_live_receivers": live_receivers,  # type: ignore[dict-item]
    "_log_robust_failure": _log_robust_failure,  # type: ignore[dict-item]
}
"""The methods that Django's class has while Django runs on Clarion, by name."""
