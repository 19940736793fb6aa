"""How the sends of the model signals are stored.

The keywords come back equal and of the same type: a frozenset of names in `update_fields`, a set of
keys in `pk_set`, the `Changes` that a receiver has requested.

Receivers of `pre_delete` and `post_delete` get the instance as it was, because its row is gone when
they run. Statements of SQL are not stored: `statement` and `criteria` of a bulk write are None for
a durable receiver, and so is the `origin` of a deletion by a statement.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ClauseElement

from clarion.envelope import KeywordConversion, register_reference_kind, store_by_type
from clarion.envelope.references import dump_object, load_object
from clarion.integrations.sqlalchemy import signals
from clarion.integrations.sqlalchemy.outbox.references import MAPPED


def _dump_origin(value: Any) -> Any:
    """Return the origin of a deletion as JSON; None for a statement.

    Raises:
        ValueError: if it is neither an instance nor a statement.
    """
    if value is None or isinstance(value, ClauseElement):
        return None
    return dump_object(value, "origin", snapshot=True)


def _load_origin(data: Any, session: Any) -> Any:
    return None if data is None else load_object(data, session, "as sent")


def _drop(*_: object) -> None:
    """Return None: what is stored, and what comes back."""


store_by_type(signals.pre_save, signals.post_save, signals.m2m_changed)
store_by_type(
    signals.pre_delete,
    signals.post_delete,
    as_sent=True,
    keywords={"origin": KeywordConversion(_dump_origin, _load_origin)},
)
store_by_type(
    signals.post_bulk_insert,
    signals.post_bulk_update,
    signals.post_bulk_delete,
    keywords=dict.fromkeys(("statement", "criteria"), KeywordConversion(_drop, _drop)),
)
register_reference_kind(MAPPED)
