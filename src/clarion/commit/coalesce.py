"""The key by which calls are merged: `on_commit(coalesce=...)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion._core.names import described, keyword_names, signal_name, value_name
from clarion._core.notes import add_part_note
from clarion._core.signatures import is_async, is_generator_function
from clarion._core.tabled import policy_of
from clarion.commit.parameters import Parameters
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from clarion._core.signal import Signal
    from clarion.commit.pending_call import KeyFunction
    from clarion.typing import Receiver

    Coalesce = str | Sequence[str] | Callable[..., Hashable]


def key_function(
    coalesce: Coalesce | None, signal: Signal, receiver: Receiver
) -> KeyFunction | None:
    """Return the function that computes the key of a send from its keywords.

    It keeps neither the signal nor the receiver, which hold the delivery.

    Returns:
        The function; None if calls are not merged.

    Raises:
        ArgumentError: if `coalesce` is none of the accepted forms, names a keyword that
            the signal does not declare, or is a function that no send could call.
    """
    if coalesce is None:
        return None
    if callable(coalesce):
        _check_function(coalesce, signal, receiver)
        return _key_by_function(coalesce)
    names = _checked_names(coalesce)
    declared = policy_of(signal).parameters
    unknown = [] if declared is None else [n for n in names if n not in declared and n != "sender"]
    if unknown or not names:
        raise ArgumentError(
            f"on_commit(coalesce=...) names no keyword of signal {signal_name(signal)}. "
            f"Name one that every send has, or give a function of the keywords.",
            ["coalesce", *unknown],
        )
    return _key_by_names(names)


def _key_by_function(coalesce: Callable[..., Hashable]) -> KeyFunction:
    def key_of(signal: Signal, receiver: Receiver, arguments: dict[str, Any]) -> Hashable:
        try:
            key = coalesce(**arguments)
        except Exception as error:
            add_part_note(error, signal, receiver, f"the coalesce function {described(coalesce)}")
            raise
        return _checked_key((key,), signal)

    return key_of


def _key_by_names(names: tuple[str, ...]) -> KeyFunction:
    def key_of(signal: Signal, receiver: Receiver, arguments: dict[str, Any]) -> Hashable:  # noqa: ARG001
        missing = [name for name in names if name not in arguments]
        if missing:
            raise ArgumentError(
                f"Signal {signal_name(signal)} was sent without {keyword_names(missing)}, by which a "
                f"receiver coalesces. Send it, or coalesce by another keyword.",
                missing,
            )
        return _checked_key(tuple(arguments[name] for name in names), signal)

    return key_of


def _check_function(coalesce: Callable[..., object], signal: Signal, receiver: Receiver) -> None:
    """Refuse a function that no send could call, or that returns no key.

    Raises:
        ArgumentError: if its signature shows that.
    """
    of = f"The coalesce function {described(coalesce)} of receiver {described(receiver)}"
    if is_async(coalesce) or is_generator_function(coalesce):
        reason, cure = (
            "is async or a generator function, so it returns no key",
            "Give a plain function",
        )
    else:
        reason, cure = _mismatch(coalesce, signal, receiver)
    if reason:
        raise ArgumentError(f"{of} {reason}. {cure}.", ["coalesce"])


def _mismatch(
    coalesce: Callable[..., object], signal: Signal, receiver: Receiver
) -> tuple[str, str]:
    """Return why a function cannot be called with the keywords of a send, and the cure."""
    policy, taken = policy_of(signal), Parameters(coalesce)
    given: set[str] = {"sender", *policy.requested(receiver)}
    given.update(("signal",) if policy.parameters is None else policy.parameters)
    if taken.needs_position:
        return (
            "requires an argument by position, and gets all by name",
            "Give a function without a `/`",
        )
    if taken.accepted is not None and (unaccepted := given - taken.accepted):
        return (
            f"does not accept {keyword_names(unaccepted)}, which every send gives",
            "Add **kwargs to its parameters",
        )
    if policy.parameters is not None and (missing := taken.required - given):
        return (
            f"requires {keyword_names(missing)}, which signal {signal_name(signal)} does not declare",
            "Use a keyword of the signal",
        )
    return "", ""


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
