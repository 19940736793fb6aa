"""@receiver: connect a function where it is defined."""

from __future__ import annotations

from functools import partial
from types import FunctionType

from clarion._core.callers import warn_caller
from clarion._core.names import described, value_name
from clarion._core.registration import receiver_key, sender_key
from clarion._core.registry import is_signal
from clarion._core.tabled import table_of
from clarion.errors import ArgumentError, ConnectWarning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from typing import Any, TypeVar, Unpack

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.delivery import Delivery
    from clarion.typing import (
        Connectable,
        ConnectOptions,
        DjangoSignal,
        PlainConnector,
        PlainOptions,
    )

    F = TypeVar("F", bound=Callable[..., Any])
    C = TypeVar("C")

if not TYPE_CHECKING:

    def overload(function: F) -> F:
        """Replace `typing.overload`, because importing `typing` is slow."""
        return function

else:
    from typing import overload


@overload
def receiver(
    signal: Connectable[Any] | DjangoSignal | Sequence[Signal | DjangoSignal],
    *,
    delivery: Delivery,
    **options: Unpack[PlainOptions],
) -> PlainConnector: ...
@overload
def receiver(signal: Connectable[C], **options: Unpack[ConnectOptions]) -> C: ...
@overload
def receiver(
    signal: DjangoSignal | Sequence[Signal | DjangoSignal], **options: Unpack[ConnectOptions]
) -> PlainConnector: ...
def receiver(signal: Any, *others: Any, **options: Any) -> Any:
    """Connect the decorated function to one signal or to several.

    Args:
        signal: the signal, or a list or tuple of them.
        *others: refused, because several signals belong in a list.
        **options: the options of `Signal.connect`.

    Returns:
        A decorator that returns the function unchanged.

    Raises:
        ArgumentError: if an object is not a signal, or a signal of a Django that does not run on
            Clarion gets an option of Clarion.
        Exception: any error of `connect`; then the function is connected to none of the
            signals.

    As `django.dispatch.receiver` in Django 6.1.
    """
    if others:
        raise ArgumentError(
            f"@receiver takes one argument by position, and was given {len(others) + 1}. Write "
            f"@receiver([first, second]) for several signals, and @receiver(signal, sender=...).",
            ["signal"],
        )
    signals = _listed(signal)
    if not signals:
        raise ArgumentError(
            "@receiver was given an empty list of signals. Give at least one signal.", ["signal"]
        )
    for each in signals:
        # Of a class, `connect` would be the function, and would return a decorator.
        if isinstance(each, type) or not hasattr(each, "connect"):
            raise ArgumentError(
                f"@receiver was given {value_name(each)}, which is not a signal. "
                f"Write @receiver(signal), or give a list of signals.",
                ["signal"],
            )
        _check_django(each, options)

    def connect(function: F) -> F:
        undo: list[Callable[[], object]] = []
        try:
            for each in signals:
                before = _registration(each, function, options) if len(signals) > 1 else None
                _warn_of_earlier(each, function, options)
                each.connect(function, **options)
                undo.append(partial(_restore, each, function, options, before))
        except Exception:
            for restore in undo:
                restore()
            raise
        return function

    return connect


def _listed(signal: object) -> Sequence[Any]:
    # The overloads declare that these are signals.
    return signal if isinstance(signal, (list, tuple)) else (signal,)  # pyright: ignore[reportUnknownVariableType]


def _check_django(signal: object, options: dict[str, Any]) -> None:
    """Refuse options that a signal of Django takes only while Django runs on Clarion."""
    ours = options.keys() - {"sender", "weak", "dispatch_uid", "apps"}
    if not ours or is_signal(signal):
        return
    if any(each.__module__ == "django.dispatch.dispatcher" for each in type(signal).__mro__):
        raise ArgumentError(
            f"A Django signal does not take {', '.join(sorted(ours))}, because Django does not run on "
            f"Clarion. Add 'clarion.integrations.django' to INSTALLED_APPS.",
            ours,
        )


def _registration(
    signal: Signal, function: Callable[..., Any], options: dict[str, Any]
) -> Registration | None:
    if not is_signal(signal):
        return None
    return find_registration(signal, function, options.get("sender"), options.get("dispatch_uid"))


def _warn_of_earlier(signal: Signal, function: Any, options: dict[str, Any]) -> None:
    """Warn if a cell or a module that runs again leaves its earlier function connected."""
    if type(function) is not FunctionType or options.get("dispatch_uid"):
        return
    name = function.__name__
    earlier = function.__globals__.get(name)  # the name is bound after the decorator has returned
    if (
        name != "_"  # a usual name for several functions
        and type(earlier) is FunctionType
        and earlier.__code__ is not function.__code__  # else a loop connects several on purpose
        and earlier.__qualname__ == function.__qualname__
        and (found := _registration(signal, earlier, options)) is not None
        and not found.weak  # else it is freed when the name is bound
    ):
        warn_caller(
            f"Receiver {described(function)} is connected, and an earlier function of this name stays "
            f"connected, so both are called. Give a dispatch_uid and replace=True to replace it.",
            ConnectWarning,
        )


def _restore(
    signal: Signal,
    function: Callable[..., Any],
    options: dict[str, Any],
    before: Registration | None,
) -> None:
    """Undo a connect; `before` is the registration that existed before it, or None."""
    if before is None:
        signal.disconnect(function, options.get("sender"), options.get("dispatch_uid"))
    elif options.get("replace"):
        table_of(signal).put(before, before.sender)


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
