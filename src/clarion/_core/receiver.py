"""@receiver: connect a function where it is defined."""

from __future__ import annotations

from clarion._core.registration import receiver_key, sender_key
from clarion._core.tabled import table_of
from clarion.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from typing import Any, TypeVar, Unpack

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.delivery import Delivery
    from clarion.typing import Connectable, ConnectOptions, PlainConnector, PlainOptions

    F = TypeVar("F", bound=Callable[..., Any])
    C = TypeVar("C")

if not TYPE_CHECKING:

    def overload(function: F) -> F:
        """Stand in for `typing.overload`, which is dear to import."""
        return function

else:
    from typing import overload


@overload
def receiver(
    signal: Connectable[Any] | Sequence[Signal],
    *,
    delivery: Delivery,
    **options: Unpack[PlainOptions],
) -> PlainConnector: ...
@overload
def receiver(signal: Connectable[C], **options: Unpack[ConnectOptions]) -> C: ...
@overload
def receiver(signal: Sequence[Signal], **options: Unpack[ConnectOptions]) -> PlainConnector: ...
def receiver(signal: Any, **options: Any) -> Any:
    """Connect the decorated function to one signal or to several.

    Args:
        signal: the signal, or a list or tuple of them.
        **options: what `Signal.connect` takes beside the receiver.

    Returns:
        A decorator that returns the function as it is.

    Raises:
        ArgumentError: if it is given what is no signal.
        Exception: whatever `connect` raises; then the function is connected to none of
            the signals.

    As `django.dispatch.receiver` in Django 6.1.
    """
    signals = _listed(signal)
    for each in signals:
        if not hasattr(each, "connect"):
            raise ArgumentError(
                f"@receiver was given {each!r}, which is no signal. "
                f"Write @receiver(signal), or give a list of signals.",
                ["signal"],
            )

    def connect(function: F) -> F:
        fresh: list[Signal] = []
        try:
            for each in signals:
                was_connected = len(signals) > 1 and _is_connected(each, function, options)
                each.connect(function, **options)
                if not was_connected:
                    fresh.append(each)
        except Exception:
            for each in fresh:
                each.disconnect(function, options.get("sender"), options.get("dispatch_uid"))
            raise
        return function

    return connect


def _listed(signal: object) -> Sequence[Any]:
    # That these are signals is said in the overloads.
    return signal if isinstance(signal, (list, tuple)) else (signal,)  # pyright: ignore[reportUnknownVariableType]


def _is_connected(signal: Signal, function: Callable[..., Any], options: dict[str, Any]) -> bool:
    found = find_registration(signal, function, options.get("sender"), options.get("dispatch_uid"))
    return found is not None


def find_registration(
    signal: Signal,
    receiver: Callable[..., Any] | None,
    sender: object = None,
    dispatch_uid: Hashable | None = None,
) -> Registration | None:
    """Return the registration that `connect` makes of these arguments, or None."""
    table = table_of(signal)
    key = ("uid", dispatch_uid) if dispatch_uid else receiver_key(receiver)
    sender = table.policy.resolve_sender(sender)
    return table.find_registration(key, None if sender is None else sender_key(sender))
