"""The listeners on SQLAlchemy's events. Each is attached at most once, and stays attached.

Importing this module gives each signal the function that attaches its listeners. A connect
calls this function. Listeners stay attached, because detaching one breaks a flush that runs in
another thread. They are attached at class level, so they serve every session. One lock guards the
attaching.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, event
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.pool import Pool

from clarion._core.fork import new_lock
from clarion.commit import register_provider
from clarion.integrations.sqlalchemy import classes, connections, detached, instances, signals
from clarion.integrations.sqlalchemy.aliases import are_named, when_named
from clarion.integrations.sqlalchemy.bulk import session_methods, statements
from clarion.integrations.sqlalchemy.commit import transactions
from clarion.integrations.sqlalchemy.commit.provider import SessionProvider
from clarion.integrations.sqlalchemy.flush import listeners, many_to_many
from clarion.integrations.sqlalchemy.model_signal import connect_resolved
from clarion.integrations.sqlalchemy.outbox import stored as _stored  # noqa: F401  # how sends are stored  # pyright: ignore[reportUnusedImport]
from clarion.integrations.sqlalchemy.senders import is_unmapped, is_unresolved
from clarion.integrations.sqlalchemy.waiting import warn_of_waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import MetaData
    from sqlalchemy.orm import SessionTransaction, UOWTransaction

    from clarion.integrations.sqlalchemy.model_signal import Attach, ModelSignal
    from clarion.outbox import Database

_lock = new_lock()
_attached: set[Callable[[], None]] = set()


def _once(attach: Callable[[], None]) -> Callable[[], None]:
    """Return a function that attaches the listeners at its first call only, from any thread."""

    def attach_once() -> None:
        if attach not in _attached:
            with _lock:
                if attach not in _attached:
                    attach()
                    _attached.add(attach)

    return attach_once


# --- Flush


@_once
def _attach_flush() -> None:
    event.listen(Session, "after_transaction_create", _after_transaction_create)
    # This one first: a flush that runs in another thread then has both listeners, or only
    # this one, which does nothing without the other.
    event.listen(Session, "after_flush_postexec", listeners.after_flush)
    event.listen(Session, "after_flush", listeners.after_writes)
    event.listen(Session, "before_flush", _before_flush)


def _before_flush(session: Session, context: UOWTransaction, objects: Any) -> None:
    warn_of_waiting()
    listeners.before_flush(session, context, objects)
    _listen_last(session)


def _after_transaction_create(session: Session, transaction: SessionTransaction) -> None:
    # During the first flush it would be too late to change the session's listeners.
    if transaction.parent is None:
        _listen_last(session)


def _listen_last(session: Session) -> None:
    """Run `before_flush_again` after every other listener of a session's flush.

    SQLAlchemy calls the listeners of the class before those of one session, and older ones
    before younger ones. Listeners after Clarion's may change what the flush writes. So the
    last listener of the session plans again. A session without other listeners needs none.
    """
    every = session.dispatch.before_flush
    of_class, of_session = every.parent_listeners, every.listeners
    if not of_session and of_class and of_class[-1] is _before_flush:
        return
    last = listeners.before_flush_again
    if not of_session or of_session[-1] is not last:
        if last in of_session:
            event.remove(session, "before_flush", last)
        # SQLAlchemy has not begun to call this session's listeners, so they may change.
        event.listen(session, "before_flush", last)


# --- Mappers


@_once
def _attach_mappers() -> None:
    event.listen(Mapper, "after_mapper_constructed", classes.after_mapper_constructed)
    event.listen(Mapper, "after_configured", _after_configured)


def _after_configured() -> None:
    connect_resolved()
    if _watches_relationships:
        _attach_new_relationships()


# --- Many-to-many relationships

# Not empty once m2m_changed has had a receiver: then new relationships get listeners too.
_watches_relationships: list[bool] = []


@_once
def _attach_relationships() -> None:
    _attach_mappers()
    _watches_relationships.append(True)
    _attach_new_relationships()


def _attach_new_relationships() -> None:
    for prop in many_to_many.relationships_to_watch():
        listener = many_to_many.side_listener(prop)
        for name in ("append", "remove"):
            event.listen(prop.class_attribute, name, listener, raw=True, propagate=True)


# --- Instances


def _attach_instances(sender: object, subclasses: bool) -> None:  # noqa: FBT001
    with _lock:
        new = instances.new_listeners(sender, subclasses=subclasses)
        if new is None:
            return
        event.listen(new.target, "init", new.init, propagate=new.propagate)
        event.listen(new.target, "load", new.load, propagate=new.propagate)
        if sender is None:
            instances.note_every_class()


# --- Connections, bulk writes and commits


@_once
def _attach_pools() -> None:
    event.listen(Pool, "connect", connections.connect)


@_once
def _attach_statements() -> None:
    event.listen(Session, "do_orm_execute", statements.execute)
    session_methods.wrap()


_watches_commits: list[bool] = []


@_once
def _attach_commits() -> None:
    _watches_commits.append(True)
    event.listen(Session, "after_begin", transactions.after_begin)
    event.listen(Session, "after_transaction_end", transactions.after_transaction_end)
    event.listen(Session, "after_commit", transactions.after_commit)
    if are_named():
        _attach_detached()


@_once
def _attach_detached() -> None:
    event.listen(Session, "persistent_to_detached", detached.persistent_to_detached)


def _attach_detached_if_used() -> None:
    if _watches_commits:  # otherwise nothing needs the alias of a detached instance
        _attach_detached()


when_named.append(_attach_detached_if_used)


# --- The tables of the outbox


@_once
def _attach_outbox() -> None:
    from clarion.integrations.sqlalchemy.outbox import tables

    # On every table, because a migration of Alembic creates its own `Table` object.
    event.listen(Table, "before_create", tables.before_create)
    event.listen(Table, "after_create", tables.after_create)


def outbox_tables(metadata: MetaData, *, dialect: str | None = None) -> dict[str, Table]:
    """Add the tables of the outbox to the program's MetaData, where Alembic sees them.

    A migration that Alembic generates creates them, and so does `metadata.create_all`. Call this
    function where the program maps its classes, so that env.py calls it, too. These are the same
    tables as those of `clarion.outbox.tables.create_tables`.

    Args:
        metadata: the MetaData.
        dialect: "mysql" for MySQL and MariaDB, whose indexes differ from those of others.

    Returns:
        The tables by their names.

    Raises:
        ArgumentError: if there is no such kind of database.
    """
    from clarion.integrations.sqlalchemy.outbox.tables import add_tables

    _attach_outbox()
    return add_tables(metadata, dialect)


def _outbox_databases() -> list[Database]:
    from clarion.integrations.sqlalchemy.outbox.own_session import session_databases

    return session_databases()


def _receiver_database(alias: str | None) -> Database | None:
    from clarion.integrations.sqlalchemy.outbox.own_session import receiver_database

    return receiver_database(alias)


# --- Which signal needs which listeners


def _attach_by(attach: Attach, *of: ModelSignal[..., Any], sent_by_rows: bool = True) -> None:
    def attach_for(sender: object, subclasses: bool) -> None:  # noqa: FBT001
        if is_unresolved(sender):
            _attach_mappers()  # its listeners resolve the sender, and attach again
        if sent_by_rows and (is_unresolved(sender) or is_unmapped(sender)):
            _attach_flush()  # its listeners warn of a sender that is never mapped
            _attach_statements()
        if not is_unresolved(sender):
            attach(sender, subclasses)

    for signal in of:
        signal.attach_by(attach_for)


def _for_any_sender(*attach: Callable[[], None]) -> Attach:
    def attach_all(sender: object, subclasses: bool) -> None:  # noqa: ARG001, FBT001
        for each in attach:
            each()

    return attach_all


_attach_by(
    _for_any_sender(_attach_flush),
    signals.pre_save,
    signals.post_save,
    signals.pre_delete,
    signals.post_delete,
)
_attach_by(_for_any_sender(_attach_flush, _attach_relationships), signals.m2m_changed)
_attach_by(_attach_instances, signals.pre_init, signals.post_init)
_attach_by(_for_any_sender(_attach_mappers), signals.class_prepared)
_attach_by(_for_any_sender(_attach_pools), signals.connection_created, sent_by_rows=False)
_attach_by(
    _for_any_sender(_attach_statements),
    signals.post_bulk_insert,
    signals.post_bulk_update,
    signals.post_bulk_delete,
)
register_provider(SessionProvider(_attach_commits, _outbox_databases, _receiver_database))
