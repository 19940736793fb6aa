"""Columns of an instance that SQLAlchemy reads from the row when they are next used."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm.exc import ObjectDeletedError

from clarion.integrations.sqlalchemy.rows.mapper_info import mapper_info

if TYPE_CHECKING:
    from sqlalchemy.orm import InstanceState

    State = InstanceState[Any]


def expired_columns(state: State) -> list[str]:
    """Return the attributes of the columns that are expired, but not deferred.

    A commit expires all of them. A query for a base class leaves the columns of its subclasses expired.
    """
    expired = state.expired_attributes
    if not expired:
        return []
    attributes = state.mapper.column_attrs
    return [
        name
        for name in mapper_info(state.mapper).columns
        if name in expired and not attributes[name].deferred
    ]


def load_expired(state: State) -> None:
    """Read the expired columns of an instance in the transaction of its session, if its row exists."""
    if state.key is None or state._deleted or not (names := expired_columns(state)):
        return
    # SQLAlchemy raises KeyError if only the row of a joined table is gone.
    with suppress(ObjectDeletedError, KeyError):
        getattr(state.obj(), names[0])  # loads all of them
