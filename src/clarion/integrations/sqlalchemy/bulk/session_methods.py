"""The session's old `bulk_*` methods, which execute no statement that could be listened to.

All three of them come by one method of `Session`. It is wrapped when somebody first listens
to bulk writes.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from clarion.integrations.sqlalchemy.aliases import using
from clarion.integrations.sqlalchemy.bulk import statements
from clarion.integrations.sqlalchemy.commit.boundary import bound
from clarion.integrations.sqlalchemy.flush.mapper_info import primary_key
from clarion.integrations.sqlalchemy.send import deliver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def attach() -> None:
    """Have `bulk_save_objects` and its like told; a SQLAlchemy without them has nothing to tell."""
    owner: Any = Session
    original = getattr(owner, "_bulk_save_mappings", None)
    if original is not None:
        owner._bulk_save_mappings = _told(original)


def _told(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def write(self: Session, mapper: Any, mappings: Iterable[Any], **options: Any) -> None:
        rows = list(mappings)
        statements.warn(self, inspect(mapper).mapper.class_)
        original(self, mapper, rows, **options)
        _tell(self, inspect(mapper).mapper, rows, options)

    return write


def _tell(session: Session, mapper: Any, rows: list[Any], options: dict[str, Any]) -> None:
    signal = statements.post_bulk_update if options.get("isupdate") else statements.post_bulk_insert
    if not rows or not signal.has_listeners(mapper.class_):
        return
    has_keys = options.get("isstates") and options.get("return_defaults")
    with bound(session):
        deliver(
            signal,
            mapper.class_,
            statement=None,
            criteria=None,
            rowcount=len(rows),
            pk_set={primary_key(state) for state in rows} if has_keys else None,
            using=using(session, mapper),
        )
