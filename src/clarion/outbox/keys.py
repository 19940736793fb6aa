"""The key of a stored delivery, by which deliveries are ordered: `durable(key=...)`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from clarion._core.names import described, keyword_names, quoted_name, signal_name, value_name
from clarion._core.notes import add_part_note
from clarion._core.signatures import is_async, is_generator_function
from clarion._core.tabled import policy_of
from clarion.envelope.plain import find_problem
from clarion.envelope.references import dump_identity, kind_owning
from clarion.errors import ArgumentError, EncodingError
from clarion.outbox.delivery_row import LONGEST_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from clarion._core.signal import Signal
    from clarion.outbox.options import Key
    from clarion.typing import Receiver

    KeyOf = Callable[[Signal, Receiver, dict[str, Any]], str | None]


def key_of(key: Key | None, signal: Signal) -> KeyOf | None:
    """Return the function that computes the key of a send, as text.

    Args:
        key: the name of a keyword, a list of names, or a function of the keywords.
        signal: the signal.

    Returns:
        The function; None if deliveries are not ordered.

    Raises:
        ArgumentError: if `key` is none of these, or names a keyword that the signal does not
            declare.
    """
    if key is None:
        return None
    if callable(key):
        _check_function(key)
        return _by_function(key)
    names = _checked_names(key)
    declared = policy_of(signal).parameters
    unknown = [] if declared is None else [n for n in names if n not in declared and n != "sender"]
    if unknown:
        raise ArgumentError(
            f"durable(key=...) names {keyword_names(unknown)}, which signal {signal_name(signal)} does not "
            f"declare. Name one of its keywords, or give a function of them.",
            ["key", *unknown],
        )
    return _by_names(names)


def _by_function(key: Callable[..., object]) -> KeyOf:
    def computed(signal: Signal, receiver: Receiver, arguments: dict[str, Any]) -> str | None:
        try:
            found = key(**arguments)
        except Exception as error:
            add_part_note(error, signal, receiver, f"the key function {described(key)}")
            raise
        return _text(found, signal)

    return computed


def _by_names(names: tuple[str, ...]) -> KeyOf:
    def computed(signal: Signal, receiver: Receiver, arguments: dict[str, Any]) -> str | None:
        missing = [name for name in names if name not in arguments]
        if missing:
            raise ArgumentError(
                f"Signal {signal_name(signal)} was sent without {keyword_names(missing)}, by which "
                f"receiver {described(receiver)} is ordered. Send it, or order by another keyword.",
                missing,
            )
        values = [arguments[name] for name in names]
        return _text(values[0] if len(values) == 1 else tuple(values), signal)

    return computed


def _check_function(key: object) -> None:
    if is_async(key) or is_generator_function(key):
        raise ArgumentError(
            f"The key function {described(key)} is async or a generator function, so it returns no key. "
            f"Give a plain function.",
            ["key"],
        )


def _checked_names(key: object) -> tuple[str, ...]:
    names: Any = (key,) if isinstance(key, str) else key
    if type(names) not in {list, tuple} or not names or not all(type(n) is str for n in names):
        raise ArgumentError(
            f"durable() was given key={value_name(key)}. Give the name of a keyword, a list of names, or a "
            f"function of the keywords.",
            ["key"],
        )
    if not all(name.isidentifier() for name in names):
        raise ArgumentError(
            "durable(key=...) was given a text that is not the name of a keyword. For a part of a value, give a "
            "function of the keywords, such as key=lambda instance, **kwargs: instance.customer_id.",
            ["key"],
        )
    return tuple(names)


def _text(value: object, signal: Signal) -> str | None:
    """Return a key as text; None leaves the delivery without an order."""
    if value is None:
        return None
    parts: list[object] = (
        list(cast("tuple[object, ...]", value)) if type(value) is tuple else [value]
    )
    texts = [_part(each, signal) for each in parts]
    text = texts[0] if len(texts) == 1 else json.dumps(texts, ensure_ascii=False)
    if text.endswith(" "):  # MariaDB and MySQL compare texts without the spaces at their end
        text = json.dumps(text, ensure_ascii=False)
    if text and max(text) > "\uffff":  # their connections with utf8mb3 may change such a character
        text = json.dumps(text)
    if len(text) > LONGEST_KEY:
        raise EncodingError(
            f"The key of a send of signal {signal_name(signal)} has {len(text)} characters, more than "
            f"{LONGEST_KEY}. Order by a shorter value, such as an id.",
            signal_name(signal),
        )
    return text


def _part(value: object, signal: Signal) -> str:
    problem = find_problem(value, "its key") if type(value) in {str, int} else None
    if problem is not None:
        raise EncodingError(
            f"A send of signal {signal_name(signal)} cannot be ordered, because {problem.path} "
            f"{problem.reason}. Order by another value.",
            signal_name(signal),
        )
    if type(value) is str and "\0" not in value:
        return value
    if type(value) in {int, UUID} or value is None:
        return str(value)
    if kind_owning(value) is not None:
        return json.dumps(_reference(value, signal), sort_keys=True, default=str)
    if type(value) is str:
        raise EncodingError(
            f"A send of signal {signal_name(signal)} has a key with a NUL character, which PostgreSQL does "
            f"not store. Order by another value.",
            signal_name(signal),
        )
    raise EncodingError(
        f"A send of signal {signal_name(signal)} has a key of the type "
        f"{quoted_name(type(value).__qualname__)}. Order by text, an integer, a UUID or an object of a "
        f"database.",
        signal_name(signal),
    )


def _reference(value: object, signal: Signal) -> dict[str, Any]:
    try:
        return dump_identity(value, "its key")
    except ValueError as error:
        raise EncodingError(
            f"A send of signal {signal_name(signal)} cannot be ordered, because {error}. Order by another value.",
            signal_name(signal),
        ) from None
