"""Bulk writes, told as what they are: one statement, and no object at hand.

ORM-enabled `insert()`, `update()` and `delete()` send none of the signals of objects, as in
Django. They send these instead; a session may be told to warn of the receivers that a
statement passes by, or to make single deletes of a query's.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from clarion._core.names import name_of, signal_name
from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy import hooks, signals
from clarion.integrations.sqlalchemy.aliases import using
from clarion.integrations.sqlalchemy.async_sessions import (
    is_async_scoped_session,
    is_async_session,
    is_async_sessionmaker,
)
from clarion.integrations.sqlalchemy.commit.boundary import bound
from clarion.integrations.sqlalchemy.flush.mapper_info import primary_key
from clarion.integrations.sqlalchemy.model_signal import sent_by
from clarion.integrations.sqlalchemy.send import deliver
from clarion.signals import BulkWriteWarning

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Never as Anything

    from sqlalchemy import Result
    from sqlalchemy.orm import Mapper, ORMExecuteState

    from clarion.integrations.sqlalchemy.model_signal import ModelSignal

_WARN = "clarion_warn_of_bulk_writes"
_EXPAND = "clarion_expand_deletes"


@sent_by(hooks.on_statements)
def post_bulk_insert(
    *,
    sender: Anything,
    statement: Anything,
    criteria: Anything,
    rowcount: int | None,
    pk_set: Anything,
    using: str,
) -> None:
    """An ORM `insert()` was executed; `criteria` is None.

    Of the session's `bulk_*` methods `statement` is None, too.
    """


@sent_by(hooks.on_statements)
def post_bulk_update(
    *,
    sender: Anything,
    statement: Anything,
    criteria: Anything,
    rowcount: int | None,
    pk_set: Anything,
    using: str,
) -> None:
    """An ORM `update()` was executed, on the rows that `criteria` selects."""


@sent_by(hooks.on_statements)
def post_bulk_delete(
    *,
    sender: Anything,
    statement: Anything,
    criteria: Anything,
    rowcount: int | None,
    pk_set: Anything,
    using: str,
) -> None:
    """An ORM `delete()` was executed, on the rows that `criteria` selects."""


def warn_of_bulk_writes(target: Any, on: bool = True) -> None:  # noqa: FBT001, FBT002
    """Have a `~clarion.signals.BulkWriteWarning` name the receivers that bulk writes of a session pass by.

    Args:
        target: a session of any kind, or a sessionmaker, for the sessions it will make.
        on: False to take it back.

    Raises:
        ArgumentError: if the target is neither.
    """
    _info(target)[_WARN] = on
    hooks.bulk()


def expand_deletes(target: Any, on: bool = True) -> None:  # noqa: FBT001, FBT002
    """Have ORM `delete()` statements of a session load what they delete, and tell each object.

    pre_delete and post_delete are sent if anybody listens; their origin is the statement.

    Args:
        target: as for `warn_of_bulk_writes`.
        on: False to take it back.

    Raises:
        ArgumentError: if the target is neither.
    """
    _info(target)[_EXPAND] = on
    hooks.bulk()


def _info(target: Any) -> dict[Any, Any]:
    if isinstance(target, sessionmaker) or is_async_sessionmaker(target):
        making: dict[str, Any] = target.kw
        info: dict[Any, Any] = making.setdefault("info", {})
        return info
    if isinstance(target, (Session, scoped_session)):
        return target.info
    if is_async_session(target) or is_async_scoped_session(target):
        return target.info
    raise ArgumentError(f"{target!r} is neither a session nor a sessionmaker. Give one.")


def execute(state: ORMExecuteState) -> Result[Any] | None:
    """Execute a statement, and tell of it if it is a bulk write."""
    signal = _signal_of(state)
    mapper = state.bind_mapper
    if signal is None or mapper is None:
        return None
    options, sender = state.session.info, mapper.class_
    is_expanded = state.is_delete and options.get(_EXPAND)
    if not state.is_delete:
        warn(state.session, sender)
    elif not is_expanded:
        warn(state.session, sender, signals.pre_delete, signals.post_delete)
    to_delete: Sequence[Any] = _to_delete(state, mapper) if is_expanded else ()
    if not to_delete and not signal.has_listeners(sender):
        return None
    return _execute(state, mapper, signal, to_delete)


def _signal_of(state: ORMExecuteState) -> ModelSignal[..., Any] | None:
    if state.is_select:
        return None
    if state.is_insert:
        return post_bulk_insert
    if state.is_update:
        return post_bulk_update
    return post_bulk_delete if state.is_delete else None


def _execute(
    state: ORMExecuteState,
    mapper: Mapper[Any],
    signal: ModelSignal[..., Any],
    to_delete: Sequence[Any],
) -> Result[Any]:
    alias, statement = using(state.session, mapper, state.bind_arguments), state.statement
    _tell(signals.pre_delete, to_delete, alias, statement)
    result = state.invoke_statement()
    _tell(signals.post_delete, to_delete, alias, statement)
    if signal.has_listeners(mapper.class_):
        result, count, pk_set = _read(state, mapper, result)
        with bound(state.session):
            deliver(
                signal,
                mapper.class_,
                statement=statement,
                criteria=getattr(statement, "whereclause", None),
                rowcount=count,
                pk_set=pk_set,
                using=alias,
            )
    return result


def _tell(
    signal: ModelSignal[..., Any], to_delete: Sequence[Any], alias: str, statement: object
) -> None:
    for each in to_delete:
        sender: type[Any] = each.__class__
        deliver(signal, sender, instance=each, using=alias, origin=statement)


def _read(
    state: ORMExecuteState, mapper: Mapper[Any], result: Result[Any]
) -> tuple[Result[Any], int | None, set[Any] | None]:
    """Return a result that can still be read, how many rows it is about, and their keys."""
    statement: Any = state.statement
    if len(statement.exported_columns):  # those of RETURNING
        # What is read here has to be read once more by whoever executes the statement.
        frozen = result.freeze()
        rows = frozen().all()
        return frozen(), len(rows), _primary_keys(rows, mapper)
    count: int = getattr(result, "rowcount", -1)
    if count < 0 and isinstance(state.parameters, list) and not _has_criteria(statement):
        count = len(state.parameters)  # the ORM made several statements of one
    return result, count if count >= 0 else None, None


def _has_criteria(statement: Any) -> bool:
    return getattr(statement, "whereclause", None) is not None


def _primary_keys(rows: Sequence[Any], mapper: Mapper[Any]) -> set[Any] | None:
    """Return the primary keys that are in the rows, be it in objects of the class."""
    names = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
    found: set[Any] = set()
    for row in rows:
        mine = [each for each in row if isinstance(each, mapper.class_)]
        if mine:
            found.add(primary_key(inspect(mine[0])))
        elif all(name in row._mapping for name in names):
            key = tuple(row._mapping[name] for name in names)
            found.add(key[0] if len(key) == 1 else key)
        else:
            return None
    return found


def _to_delete(state: ORMExecuteState, mapper: Mapper[Any]) -> Sequence[Any]:
    """Load what a delete statement is going to delete, if anybody listens."""
    heard = signals.pre_delete.has_listeners, signals.post_delete.has_listeners
    kinds = [each.class_ for each in mapper.self_and_descendants]
    if not any(has_listeners(kind) for has_listeners in heard for kind in kinds):
        return ()
    statement: Any = state.statement
    query = select(mapper.class_)
    if statement.whereclause is not None:
        query = query.where(statement.whereclause)
    result = state.session.scalars(
        query, state.parameters or {}, bind_arguments=state.bind_arguments
    )
    found: Sequence[Any] = result.unique().all()
    return found


def warn(session: Session, sender: type, *passed_by: ModelSignal[..., Any]) -> None:
    """Warn of the receivers of these signals (of saves, if none is given), if the session asks."""
    if not session.info.get(_WARN):
        return
    names = [
        f"{name_of(receiver)} of {signal_name(signal).rpartition('.')[2]}"
        for signal in passed_by or (signals.pre_save, signals.post_save)
        for registration in signal._table.find(sender).registrations
        if (receiver := registration.live()) is not None
    ]
    if names:
        warnings.warn(
            f"A bulk write of {sender.__qualname__} passes by {', '.join(names)}. Write the objects "
            f"one by one, or listen to the post_bulk signals.",
            BulkWriteWarning,
            stacklevel=3,
        )
