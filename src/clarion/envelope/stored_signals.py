"""Signals of a framework, whose keywords are stored by the types of their values.

The model signals of an ORM have keywords of any type and no annotations for them. Their integration
registers them here, and `tagged` encodes their values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clarion._core.signal import Signal


class KeywordConversion(NamedTuple):
    """How one keyword is stored, if not by the type of its value.

    Attributes:
        dump: returns the value as JSON, or raises ValueError with the reason in a few words.
        load: returns the value from this JSON, and the session or connection of the receiver.
    """

    dump: Callable[[Any], Any]
    load: Callable[[Any, Any], Any]


class SignalStorage(NamedTuple):
    """How the sends of a signal are stored.

    Attributes:
        as_sent: whether receivers get the objects as they were sent, from a snapshot. That is so
            for a deletion, because the rows will be gone.
        keywords: how single keywords are stored.
    """

    as_sent: bool = False
    keywords: Mapping[str, KeywordConversion] = {}


# By id, because a signal may be unhashable; an entry keeps its signal alive.
_stored: dict[int, tuple[Any, SignalStorage]] = {}


def store_by_type(
    *signals: Any,
    as_sent: bool = False,
    keywords: Mapping[str, KeywordConversion] | None = None,
) -> None:
    """Store the keywords of these signals by the types of their values.

    Sets, tuples, `Changes`, classes of models, dates and the other types of `tagged` come back equal
    and of the same type. Annotations are not used, so msgspec is not needed.

    Args:
        *signals: the signals of a framework, which are never deleted.
        as_sent: whether receivers get the objects as they were sent, from a snapshot.
        keywords: how single keywords are stored.
    """
    storage = SignalStorage(as_sent, keywords or {})
    for signal in signals:
        _stored[id(signal)] = (signal, storage)


def storage_of(signal: Signal) -> SignalStorage | None:
    """Return how a signal that is stored by type is stored; None for any other signal."""
    found = _stored.get(id(signal))
    return None if found is None else found[1]
