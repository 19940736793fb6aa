"""@receiver: connect a function where it is defined."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, ParamSpec, TypeVar, Unpack

    from clarion._core.declare import DeclaredSignal
    from clarion._core.signal import Signal
    from clarion.typing import ConnectOptions, Connector

    F = TypeVar("F", bound=Callable[..., Any])
    P = ParamSpec("P")
    R = TypeVar("R")

if not TYPE_CHECKING:

    def overload(function: F) -> F:
        """Stand in for `typing.overload`, which is dear to import."""
        return function

else:
    from typing import overload


@overload
def receiver(  # type: ignore[overload-overlap]  # a declared signal is a signal too
    signal: DeclaredSignal[P, R], **options: Unpack[ConnectOptions]
) -> Connector[P, R]: ...
@overload
def receiver(
    signal: Signal | Sequence[Signal], **options: Unpack[ConnectOptions]
) -> Callable[[F], F]: ...
def receiver(signal: Any, **options: Any) -> Any:
    """Connect the decorated function to one signal or to several.

    Args:
        signal: the signal, or a list or tuple of them.
        **options: what `Signal.connect` takes beside the receiver.

    Returns:
        A decorator that returns the function as it is.

    Raises:
        Whatever `connect` raises; then the function is connected to none of the
        signals.

    As `django.dispatch.receiver` in Django 6.1.
    """
    signals: Sequence[Any] = (signal,)
    if isinstance(signal, (list, tuple)):
        signals = signal

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


def _is_connected(signal: Signal, function: Callable[..., Any], options: dict[str, Any]) -> bool:
    find = signal._find
    return find(function, options.get("sender"), options.get("dispatch_uid")) is not None
