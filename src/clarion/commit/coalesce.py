"""The key by which calls are merged: `on_commit(coalesce=...)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion._core.names import signal_name, value_name
from clarion._core.tabled import policy_of
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from clarion._core.signal import Signal

    Coalesce = str | Sequence[str] | Callable[..., Hashable]
    KeyFunction = Callable[[dict[str, Any]], Hashable]


def key_function(coalesce: Coalesce | None, signal: Signal) -> KeyFunction | None:
    """Return the function that computes the key of a send from its keywords.

    Returns:
        The function; None if calls are not merged.

    Raises:
        ArgumentError: if `coalesce` is none of the accepted forms, or names a keyword that
            the signal does not declare.
    """
    if coalesce is None:
        return None
    if callable(coalesce):
        return lambda arguments: _checked_key((coalesce(**arguments),), signal)
    names = _checked_names(coalesce)
    declared = policy_of(signal).parameters
    unknown = [] if declared is None else [n for n in names if n not in declared and n != "sender"]
    if unknown or not names:
        raise ArgumentError(
            f"on_commit(coalesce=...) names no keyword of signal {signal_name(signal)}. "
            f"Name one that every send has, or give a function of the keywords.",
            ["coalesce", *unknown],
        )

    def key_of(arguments: dict[str, Any]) -> Hashable:
        missing = [name for name in names if name not in arguments]
        if missing:
            # Text that can be no keyword may be a secret.
            shown = [name if name.isidentifier() else value_name(name) for name in missing]
            raise ArgumentError(
                f"Signal {signal_name(signal)} was sent without {', '.join(shown)}, by which a "
                f"receiver coalesces. Send it, or coalesce by another keyword.",
                missing,
            )
        return _checked_key(tuple(arguments[name] for name in names), signal)

    return key_of


def _checked_names(coalesce: object) -> tuple[str, ...]:
    names: Any = (coalesce,) if isinstance(coalesce, str) else coalesce
    is_list = type(names) in {list, tuple}
    if not is_list or not all(isinstance(name, str) for name in names):
        raise ArgumentError(
            f"on_commit was given coalesce={value_name(coalesce)}. Give the name of a keyword, a list of "
            f"names, or a function of the keywords.",
            ["coalesce"],
        )
    return tuple(names)


def _checked_key(key: tuple[Any, ...], signal: Signal) -> Hashable:
    try:
        hash(key)
    except Exception:  # noqa: BLE001  # whatever __hash__ raises
        # Only the type is named: the value may be secret.
        culprit = next((each for each in key if not _is_hashable(each)), key)
        raise ArgumentError(
            f"A receiver of signal {signal_name(signal)} coalesces by {type(culprit).__qualname__!r} objects, "
            f"which are unhashable. Coalesce by an id.",
            ["coalesce"],
        ) from None
    return key


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except Exception:  # noqa: BLE001
        return False
    return True
