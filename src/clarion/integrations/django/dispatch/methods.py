"""The methods of Django's `Signal` while it runs on Clarion.

Where Django and Clarion behave alike, the methods are those of Clarion's `Signal`. The methods
defined here keep Django's defaults. The other differences are in `policy.py`.
"""

from __future__ import annotations

import logging
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from django.db.models.signals import ModelSignal

from clarion._core import instrument
from clarion._core.compiled import is_compiled
from clarion._core.copying import reduce_signal
from clarion._core.methods import member_of
from clarion._core.names import name_of
from clarion._core.signal import MISSING
from clarion._core.signal import Signal as ClarionSignal
from clarion._core.tabled import policy_of, table_of
from clarion.integrations.django.dispatch import table as tables
from clarion.integrations.django.dispatch.copying import copy_signal
from clarion.integrations.django.dispatch.senders import warn_of_sender, warn_of_text
from clarion.integrations.django.dispatch.table import DjangoTable, live_receivers
from clarion.integrations.django.dispatch.unusable import warn_of_receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from types import FunctionType
    from typing import SupportsIndex

    Receiver = Callable[..., Any]
    Responses = list[tuple[Receiver, Any]]

logger = logging.getLogger("django.dispatch")


def connect(
    self: Any,
    receiver: Any = MISSING,
    sender: object = None,
    weak: bool = True,  # noqa: FBT001, FBT002
    dispatch_uid: Hashable = None,
    **options: Any,
) -> Any:
    """Connect as `Signal.connect` in Django, with Clarion's options; also a decorator."""
    if receiver is MISSING:
        options |= {"sender": sender, "weak": weak, "dispatch_uid": dispatch_uid}
        return partial(self.connect, **options)
    if sender is not None:
        warn_of_sender(self, receiver, sender, subclasses=bool(options.get("subclasses")))
    policy_of(self).check_receiver(self, receiver)
    warn_of_receiver(receiver)
    if weak:
        # Call `weakref.ref` as Django does, so that it raises the same errors. Django's tests
        # replace this function.
        member = member_of(receiver)
        weakref.ref(receiver if member is None else member.holder)
    return ClarionSignal.connect(self, receiver, sender, bool(weak), dispatch_uid, **options)


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
    receiver: Any = MISSING,
    sender: object = None,
    weak: bool = True,  # noqa: FBT001, FBT002
    dispatch_uid: Hashable = None,
    apps: Any = None,
    **options: Any,
) -> Any:
    """Connect as Django's `ModelSignal.connect`: now, or when "app.Model" is loaded."""
    if receiver is MISSING:
        options |= {"sender": sender, "weak": weak, "dispatch_uid": dispatch_uid, "apps": apps}
        return partial(self.connect, **options)
    if isinstance(sender, str):
        warn_of_text(receiver, sender, apps)
    # This is a bound method, because Django's checks take the name of the signal from it.
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
    return receiver


def _clear_dead_receivers(self: Any) -> None:
    table_of(self).registrations()


def _log_robust_failure(self: Any, receiver: Receiver, err: Exception) -> None:  # noqa: ARG001
    logger.error(
        "Error calling %s in Signal.send_robust() (%s)",
        getattr(receiver, "__qualname__", None) or name_of(receiver),
        err,
        exc_info=err,
    )


def __copy__(self: Any) -> Any:  # noqa: N807  # installed in Django's class
    """Return a signal with the same receivers in a list of its own."""
    return copy_signal(self)


def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:  # noqa: N807
    """Return a copy with the same receivers; its other attributes are deep copies."""
    return copy_signal(self, memo)


def __reduce_ex__(self: Any, protocol: SupportsIndex) -> tuple[Any, ...]:  # noqa: ARG001, N807
    """Return the name by which a pickle finds the signal, in the module that holds it."""
    return reduce_signal(self)


_shared = ("has_listeners", "send", "send_robust", "asend", "asend_robust")
_sends: dict[str, Any] = {name: vars(ClarionSignal)[name] for name in _shared}
_has_listeners, _send, _send_robust = (_sends[name] for name in _shared[:3])
_asend, _asend_robust = (_sends[name] for name in _shared[3:])
_python: dict[str, Any] = {
    name: getattr(method, "__wrapped__", method) for name, method in _sends.items()
}


# These are functions, because a function has a frame and a compiled method has none. Without the
# frame, `stacklevel` in a receiver would point one frame too high. A send returns early if no receiver
# or instrument gets it. If `_live_receivers` is wrapped, use the sends in Python: they call the wrapper
# once, the compiled sends twice. No variable holds the responses, because an error among them may hold
# the frame.


def _is_wrapped(signal: Any) -> bool:
    return type(signal)._live_receivers is not tables.installed_live_receivers  # Django's


def has_listeners(self: Any, sender: object = None) -> bool:
    """Return whether a send of this sender would reach a receiver."""
    method = _python["has_listeners"] if _is_wrapped(self) else _has_listeners
    return bool(method(self, sender))


def send(self: Any, /, sender: object, **named: Any) -> Responses:
    """Call all receivers of the sender, and return their responses."""
    if type(self)._live_receivers is not tables.installed_live_receivers:
        return cast("Responses", _python["send"](self, sender, **named))
    if _has_listeners(self, sender) or "signal" in named or _is_watched(self):
        return _send(self, sender, **named)
    return []


def send_robust(self: Any, /, sender: object, **named: Any) -> Responses:
    """Call all receivers of the sender, even if one raises an exception."""
    if type(self)._live_receivers is not tables.installed_live_receivers:
        return cast("Responses", _python["send_robust"](self, sender, **named))
    if _has_listeners(self, sender) or "signal" in named or _is_watched(self):
        return _send_robust(self, sender, **named)
    return []


def _is_watched(signal: Any) -> bool:
    """Return whether an instrument sees the sends that no receiver gets."""
    table: DjangoTable = signal._table  # noqa: SLF001  # `install` made it
    return bool(table.instruments or instrument.everywhere)


async def asend(self: Any, /, sender: object, **named: Any) -> Responses:
    """Call all receivers of the sender, and await those that are async."""
    method = _python["asend"] if _is_wrapped(self) else _asend
    return cast("Responses", await method(self, sender, **named))


async def asend_robust(self: Any, /, sender: object, **named: Any) -> Responses:
    """Send as `asend` does; call all receivers even if one raises an exception."""
    method = _python["asend_robust"] if _is_wrapped(self) else _asend_robust
    return cast("Responses", await method(self, sender, **named))


_framed: dict[str, Any] = {
    "has_listeners": has_listeners,
    "send": send,
    "send_robust": send_robust,
    "asend": asend,
    "asend_robust": asend_robust,
}

# The sends in Python are functions already, with frames of their own.
METHODS: dict[str, FunctionType] = {
    **(_framed if is_compiled() else _sends),
    "connect": connect,  # type: ignore[dict-item]
    "connected": vars(ClarionSignal)["connected"],
    "disconnect": disconnect,  # type: ignore[dict-item]
    "__copy__": __copy__,  # type: ignore[dict-item]
    "__deepcopy__": __deepcopy__,  # type: ignore[dict-item]
    "__reduce_ex__": __reduce_ex__,  # type: ignore[dict-item]
    "_clear_dead_receivers": _clear_dead_receivers,  # type: ignore[dict-item]
    "_live_receivers": live_receivers,  # type: ignore[dict-item]
    "_log_robust_failure": _log_robust_failure,  # type: ignore[dict-item]
}
"""The methods that Django's class has while Django runs on Clarion, by name."""
