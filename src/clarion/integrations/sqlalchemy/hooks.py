"""What is attached to SQLAlchemy: nothing at first, each hook once, and none is taken back.

Taking a hook out while another thread flushes would break that flush, so they stay. They
are attached at class level, under one lock, and reach every session that there is.
"""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

from sqlalchemy import event
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable

_lock = RLock()
_attached: set[str] = set()


def _once(attach: Callable[[], None]) -> Callable[[], None]:
    """Make a function that does its work at the first call only, whichever thread makes it."""
    name = attach.__name__

    def attach_once() -> None:
        if name not in _attached:
            with _lock:
                if name not in _attached:
                    attach()
                    _attached.add(name)

    return attach_once


@_once
def _flush() -> None:
    from clarion.integrations.sqlalchemy.flush import listener_order, listeners

    event.listen(Session, "after_transaction_create", listener_order.transaction_begun)
    # The second first: a flush under way in another thread finds both, or only the one that
    # does nothing without the other.
    event.listen(Session, "after_flush_postexec", listeners.after_flush)
    event.listen(Session, "before_flush", listeners.before_flush)


@_once
def _relationships() -> None:
    from clarion.integrations.sqlalchemy.flush import many_to_many

    mapped()
    many_to_many.start()


@_once
def _pool() -> None:
    from clarion.integrations.sqlalchemy import aliases

    event.listen(Pool, "connect", aliases.connected)


@_once
def mapped() -> None:
    """Hear of each class that is mapped, and of each round in which mappers are configured."""
    from clarion.integrations.sqlalchemy import senders

    event.listen(Mapper, "after_mapper_constructed", senders.class_mapped)
    event.listen(Mapper, "after_configured", senders.mappers_configured)


@_once
def bulk() -> None:
    """Hear of the statements that sessions execute, and of their `bulk_*` methods."""
    from clarion.integrations.sqlalchemy.bulk import session_methods, statements

    event.listen(Session, "do_orm_execute", statements.execute)
    session_methods.attach()


@_once
def commits() -> None:
    """Hear of the end of each transaction and savepoint."""
    from clarion.integrations.sqlalchemy.commit import boundary

    event.listen(Session, "after_transaction_end", boundary.after_transaction_end)
    event.listen(Session, "after_commit", boundary.after_commit)


def on_flush(sender: object, subclasses: bool) -> None:  # noqa: ARG001, FBT001
    """Attach what sends the signals of a flush."""
    _flush()


def on_relationships(sender: object, subclasses: bool) -> None:  # noqa: ARG001, FBT001
    """Attach what sends the signals of many-to-many relationships."""
    _flush()
    _relationships()


def on_connection(sender: object, subclasses: bool) -> None:  # noqa: ARG001, FBT001
    """Attach what tells of new connections."""
    _pool()


def on_mapping(sender: object, subclasses: bool) -> None:  # noqa: ARG001, FBT001
    """Attach what tells of new classes."""
    mapped()


def on_statements(sender: object, subclasses: bool) -> None:  # noqa: ARG001, FBT001
    """Attach what tells of bulk writes."""
    bulk()


def on_instances(sender: object, subclasses: bool) -> None:  # noqa: FBT001
    """Attach what tells of new instances: on the sender alone, if there is one."""
    from clarion.integrations.sqlalchemy import instances

    with _lock:
        instances.watch(sender, subclasses=subclasses)
