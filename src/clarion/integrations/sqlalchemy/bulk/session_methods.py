"""The session's old `bulk_*` methods, which execute no statement with an event.

All three call one method of `Session`, which is wrapped at the first connect to a bulk signal.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from clarion.integrations.sqlalchemy.binds import alias_of_mapper
from clarion.integrations.sqlalchemy.bulk.options import warn
from clarion.integrations.sqlalchemy.commit.bound import bound
from clarion.integrations.sqlalchemy.rows.columns import changed_columns
from clarion.integrations.sqlalchemy.rows.mapper_info import mapper_info, primary_key
from clarion.integrations.sqlalchemy.send import deliver
from clarion.integrations.sqlalchemy.signals import post_bulk_insert, post_bulk_update
from clarion.integrations.sqlalchemy.waiting import warn_of_waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def wrap() -> None:
    """Make the methods send; a SQLAlchemy without them is left as it is."""
    owner: Any = Session
    original = getattr(owner, "_bulk_save_mappings", None)
    if original is not None:
        owner._bulk_save_mappings = _with_signal(original)


def _with_signal(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def write(self: Session, mapper: Any, mappings: Iterable[Any], **options: Any) -> None:
        rows = list(mappings)
        warn_of_waiting()
        warn(self, inspect(mapper).mapper.class_)
        count = _count(inspect(mapper).mapper, rows, options)
        original(self, mapper, rows, **options)
        _send(self, inspect(mapper).mapper, rows, count, options)

    return write


def _count(mapper: Any, rows: list[Any], options: dict[str, Any]) -> int:
    """Return the number of rows to write: an update without new values is not executed."""
    if not options.get("isupdate"):
        return len(rows)
    if not options.get("isstates"):
        keys = {mapper.get_property_by_column(column).key for column in mapper.primary_key}
        return sum(bool(row.keys() - keys) for row in rows)
    if not options.get("update_changed_only"):
        return len(rows)
    return sum(bool(changed_columns(state, mapper_info(state.mapper))) for state in rows)


def _send(
    session: Session, mapper: Any, rows: list[Any], count: int, options: dict[str, Any]
) -> None:
    signal = post_bulk_update if options.get("isupdate") else post_bulk_insert
    if not count or not signal.has_listeners(mapper.class_):
        return
    has_keys = options.get("isstates") and options.get("return_defaults")
    with bound(session):
        deliver(
            signal,
            mapper.class_,
            statement=None,
            criteria=None,
            rowcount=count,
            pk_set={primary_key(state) for state in rows} if has_keys else None,
            using=alias_of_mapper(session, mapper),
        )
