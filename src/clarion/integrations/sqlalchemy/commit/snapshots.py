"""Copies of instances with the committed values, for receivers after the commit.

A session expires its instances at the commit. When a receiver reads an instance, the session may be
closed, or in another transaction. So receivers get a detached copy, as if loaded from the row. The
copy has the primary key, and the columns that were loaded at the commit or at the send. If a column
has changed since the send and the session does not know the new value, it is read from the row. So
it is if a statement may have changed it (`unknown_writes`).
Relationships are not copied. A value that was never loaded raises DetachedInstanceError, as for any
detached instance. The copy and the instance share no values of columns.

An instance may leave the session after the send, or become another row. Then the copy has the values
of the send.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sqlalchemy import Delete, select
from sqlalchemy.orm import InstanceState, LoaderCallableStatus, make_transient_to_detached

from clarion._core.names import dotted
from clarion.integrations.sqlalchemy.aliases import are_named
from clarion.integrations.sqlalchemy.binds import write_connection
from clarion.integrations.sqlalchemy.commit.sessions import new_session, use_options
from clarion.integrations.sqlalchemy.commit.unknown_writes import is_written
from clarion.integrations.sqlalchemy.detached import alias_of_instance, keep_alias
from clarion.integrations.sqlalchemy.rows.columns import is_expression
from clarion.integrations.sqlalchemy.rows.mapper_info import mapper_info
from clarion.integrations.sqlalchemy.rows.values import copy_value
from clarion.integrations.sqlalchemy.send import sending_session

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from clarion.integrations.sqlalchemy.commit.sessions import ConnectionOptions

    State = InstanceState[Any]

logger = logging.getLogger("clarion")

_STATE = "_sa_instance_state"
_NO_VALUE = LoaderCallableStatus.NO_VALUE


def is_mapped(value: Any) -> bool:
    """Return whether a value is an instance of a mapped class."""
    return isinstance(getattr(value, _STATE, None), InstanceState)


class SentInstance:
    """An instance at the moment of the send.

    Args:
        instance: the instance.
        session: the session that sends.

    Attributes:
        state: the state of the instance.
        loaded: its loaded values.
        key: its identity key; None if it has no row.
        is_owned: whether it was in the session.
        is_deleted: whether its row was deleted.
    """

    __slots__ = ("is_deleted", "is_owned", "key", "loaded", "state")

    def __init__(self, instance: Any, session: Session) -> None:
        state: State = getattr(instance, _STATE)
        self.state = state
        self.loaded: dict[str, Any] = dict(state.dict)
        self.key: Any = state.key
        # An earlier receiver of this flush may have expunged it.
        is_expunged = state.session_id is None and sending_session() is session
        self.is_owned = is_expunged or state.session_id == session.hash_key
        self.is_deleted = state._deleted

    def committed(self, session: Session, written: Collection[str]) -> CommittedRow | None:
        """Return the row of the instance at the commit; None if it has none in this session.

        Args:
            session: the session.
            written: the tables to which statements have written without its knowledge.
        """
        state = self.state
        is_in_session = state.session_id == session.hash_key and state.key is not None
        if is_in_session and (self.key in {None, state.key} or _has_new_key(session, state)):
            now, key = state.dict, state.key
            is_deleted = state._deleted or self.is_deleted
            is_stale = is_written(state.mapper, written)
            return CommittedRow(
                state, self.loaded, now, key, is_deleted=is_deleted, is_stale=is_stale
            )
        key = self.key or state.key
        if not self.is_owned or key is None:
            return None
        return CommittedRow(state, self.loaded, self.loaded, key, is_deleted=self.is_deleted)


def _has_new_key(session: Session, state: State) -> bool:
    """Return whether a flush of the transaction has changed the primary key of a row."""
    transaction = session.get_transaction()
    return transaction is not None and state in transaction._key_switches


class Snapshots:
    """Copies of the instances among the arguments of a call.

    Args:
        session: the session that the instances belong to.
        arguments: the arguments; the loaded values of each instance are kept now.

    Attributes:
        persistent: after `copy_into`, the copies that have a row.
        options: the execution options of the connections of the transaction.
        connections: in a test, the connections that the transaction has used.
    """

    __slots__ = ("_rows", "_sent", "_session", "connections", "options", "persistent")

    def __init__(self, session: Session, arguments: Mapping[str, Any]) -> None:
        self._session = session
        self._sent: dict[str, SentInstance] = {
            name: SentInstance(value, session)
            for name, value in arguments.items()
            if is_mapped(value)
        }
        if "instance" in self._sent:
            _add_written(self._sent["instance"], arguments)
            # The session may not know which rows a `delete()` statement has deleted.
            self._sent["instance"].is_deleted |= isinstance(arguments.get("origin"), Delete)
        self._rows: dict[str, CommittedRow] = {}
        self.persistent: list[Any] = []
        self.options: ConnectionOptions = {}
        self.connections: list[Connection] = []

    def keep(self, written: Collection[str] = ()) -> None:
        """Keep the values at the commit.

        Call it after the commit and before the session expires its instances.

        Args:
            written: as for `SentInstance.committed`.
        """
        rows: dict[int, CommittedRow | None] = {}
        for name, sent in self._sent.items():
            # If two arguments are the same object, they get the same copy.
            if id(sent.state) not in rows:
                rows[id(sent.state)] = sent.committed(self._session, written)
            if (row := rows[id(sent.state)]) is not None:
                self._rows[name] = row

    def incomplete(self) -> list[CommittedRow]:
        """Return the rows that have missing columns."""
        return [each for each in self._rows.values() if each.missing]

    def copy_into(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments with copies instead of instances."""
        copies: dict[int, Any] = {}
        found = dict(arguments)
        for name, row in self._rows.items():
            if id(row) not in copies:
                copies[id(row)] = row.copy()
                if not row.is_deleted:
                    self.persistent.append(copies[id(row)])
            found[name] = copies[id(row)]
        self._rows.clear()
        return found


def _add_written(sent: SentInstance, arguments: Mapping[str, Any]) -> None:
    """Add columns that a flush has set to an SQL expression and has not read back."""
    state, updated = sent.state, arguments.get("update_fields")
    names: set[str] = set()
    if arguments.get("created") is True:
        names = {*state.expired_attributes}
    elif isinstance(updated, (set, frozenset)):  # user code may send any value as this keyword
        names = {*updated}  # pyright: ignore[reportUnknownVariableType]
        names |= mapper_info(state.mapper).generated & state.expired_attributes
    for name in names:
        if name in state.mapper.column_attrs:
            sent.loaded.setdefault(name, _NO_VALUE)


class CommittedRow:
    """The values of one instance at the commit.

    Args:
        state: its state.
        loaded: the values loaded at the send.
        now: the values that are known to be the committed ones.
        key: its identity key.
        is_deleted: whether its row was deleted.
        is_stale: whether a statement may have changed the row since.

    Attributes:
        key: its identity key.
        state: its state.
        is_deleted: whether its row was deleted.
        missing: the loaded columns whose committed value is unknown.
    """

    __slots__ = ("_is_stale", "_values", "is_deleted", "key", "missing", "state")

    def __init__(
        self,
        state: State,
        loaded: Mapping[str, Any],
        now: Mapping[str, Any],
        key: Any,
        *,
        is_deleted: bool,
        is_stale: bool = False,
    ) -> None:
        self.state = state
        self.key = key
        self.is_deleted = is_deleted
        self.missing: list[str] = []
        self._values: dict[str, Any] = {}
        self._is_stale = is_stale
        mapper = state.mapper
        for name, value in {**loaded, **now}.items():
            if name in mapper.column_attrs:
                self._keep_column(name, value, is_known=name in now or is_deleted)
            elif name not in mapper.attrs:
                self._keep_unmapped(name, value)
        for column, part in zip(mapper.primary_key, key[1], strict=True):
            name = mapper.get_property_by_column(column).key
            self._values[name] = part
            if name in self.missing:
                self.missing.remove(name)

    def _keep_column(self, name: str, value: Any, *, is_known: bool) -> None:
        if is_known and value is not _NO_VALUE and not is_expression(value):
            self._values[name] = copy_value(value)
            if not self._is_stale:
                return
        if not self.is_deleted:
            self.missing.append(name)

    def _keep_unmapped(self, name: str, value: Any) -> None:
        # An association proxy keeps a reference to the instance.
        if name != _STATE and not name.startswith("_AssociationProxy_"):
            is_container = type(value) in {dict, list, set}
            self._values[name] = value.copy() if is_container else value

    def read(self, session: Session) -> None:
        """Read the missing columns from the row."""
        mapper = self.state.mapper
        key = zip(mapper.primary_key, self.key[1], strict=True)
        # Not through the ORM: user code may add events and criteria to its queries.
        row = (
            write_connection(session, self.state)
            .execute(
                select(*(mapper.column_attrs[name].columns[0] for name in self.missing))
                .select_from(mapper.persist_selectable)
                .where(*(column == value for column, value in key))
            )
            .first()
        )
        if row is not None:
            self._values |= dict(zip(self.missing, row, strict=True))
        self.missing = []

    def copy(self) -> Any:
        """Return a detached instance with these values."""
        alias = alias_of_instance(self.state) if are_named() else None
        return detached_copy(self.state.manager, self._values, self.key[2], alias)


def detached_copy(manager: Any, values: Mapping[str, Any], token: Any, alias: str | None) -> Any:
    """Return a detached instance with these values, as if loaded from its row.

    Args:
        manager: the manager of its class.
        values: the values by attribute, those of the primary key among them.
        token: the identity token; None without a ShardedSession.
        alias: the alias of its database, if it is known.
    """
    copied = manager.new_instance()
    state: State = getattr(copied, _STATE)
    copied.__dict__.update(values)
    state.identity_token = token
    make_transient_to_detached(copied)
    keep_alias(state, alias)
    try:
        # Emit the event of a query, because extensions such as MutableDict prepare the values.
        manager.dispatch.load(state, None)
    except Exception:
        logger.exception("A listener of 'load' failed on a copy of %s", dotted(state.class_))
    state._commit_all(state.dict)
    return copied


def read_missing(
    session: Session, snapshots: Iterable[Snapshots], options: ConnectionOptions
) -> None:
    """Read the missing columns after the transaction of a session has ended."""
    rows = [row for each in snapshots for row in each.incomplete()]
    if not rows:
        return
    try:
        with new_session(session) as reader, reader.begin():
            use_options(reader, options)
            for row in rows:
                row.read(reader)
    except Exception:
        # The columns stay unloaded, as on any detached instance.
        logger.exception("The committed values of %d instances could not be read", len(rows))
