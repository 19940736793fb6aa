"""Check the arguments of `Signal` and of `connect`, and refuse wrong ones."""

from __future__ import annotations

from clarion._core import names
from clarion.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from clarion._core.scopes import Scope

# A block passes its scope to `Signal.connect` in this option, through every `connect` that overrides
# it. The name is not an identifier, so no function has such a parameter.
SCOPE = "clarion scope"

OPTIONS = (
    "receiver", "sender", "weak", "dispatch_uid", "priority", "once", "subclasses", "inline",
    "delivery", "replace",
)  # fmt: skip
"""The parameters of `connect`."""

_OF_DELIVERIES = frozenset({"coalesce", "outside", "using"})


def check_signal_arguments(use_caching: object, name: object) -> None:
    """Refuse arguments that `Signal` does not take."""
    if use_caching is not None and not isinstance(use_caching, int):
        raise ArgumentError(
            f"Signal() was given {names.value_name(use_caching)} as `use_caching`, which takes a bool. "
            f"Give a name as Signal(name=...), and declare keywords with @signal.",
            ["use_caching"],
        )
    if name is not None and not isinstance(name, str):
        raise ArgumentError(
            f"The name of a signal was given as {names.value_name(name)}. Give text, or no name.",
            ["name"],
        )


def check_arguments(
    unknown: Any, priority: object, uid: object, *, weak: object, replace: object
) -> Scope | None:
    """Check the less common arguments of `connect`; return the scope of a block, or None."""
    scope: Scope | None = unknown.pop(SCOPE, None)
    if unknown:
        _refuse_unknown(unknown)
    if weak is not None and not isinstance(weak, int):
        raise ArgumentError(
            f"connect() was given weak={names.value_name(weak)}. Give True, False or None; the identifier "
            f"of a registration is dispatch_uid=...",
            ["weak"],
        )
    if replace and not uid:
        raise ArgumentError(
            "connect() was given replace=True without a dispatch_uid. Give the dispatch_uid that the "
            "receiver to replace was connected with.",
            ["dispatch_uid", "replace"],
        )
    if not isinstance(priority, int):
        raise ArgumentError(
            f"priority ({names.value_name(priority)}) is not an integer. Higher integers are called first; 0 is usual.",
            ["priority"],
        )
    try:
        hash(uid)
    except TypeError:
        raise ArgumentError(
            f"dispatch_uid ({names.value_name(uid)}) is unhashable. Give a string, or a tuple of strings.",
            ["dispatch_uid"],
        ) from None
    return scope


def _refuse_unknown(unknown: dict[str, Any]) -> None:
    from difflib import get_close_matches

    name = min(unknown)
    close = get_close_matches(name, OPTIONS, n=1)
    if name in _OF_DELIVERIES:
        cure = f"It is an option of a delivery: write delivery=on_commit({name}=...)."
    else:
        cure = _cure_of(close)
    raise ArgumentError(f"connect() has no argument {names.quoted_name(name)}. {cure}", unknown)


def _cure_of(close: list[str]) -> str:
    return f"Did you mean {close[0]!r}?" if close else f"It takes {', '.join(OPTIONS)}."
