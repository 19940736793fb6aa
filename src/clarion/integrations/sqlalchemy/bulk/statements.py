"""ORM-enabled `insert()`, `update()` and `delete()`: one statement, and no loaded objects.

They send none of the signals of objects, as in Django, but the post_bulk signals. With
`expand_deletes` a delete loads its objects and sends their signals too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm.context import FromStatement

from clarion.integrations.sqlalchemy import signals
from clarion.integrations.sqlalchemy.aliases import using
from clarion.integrations.sqlalchemy.bulk.options import expands_deletes, warn
from clarion.integrations.sqlalchemy.bulk.results import (
    invoke,
    primary_keys,
    read_rows,
)
from clarion.integrations.sqlalchemy.commit.bound import bound
from clarion.integrations.sqlalchemy.send import deliver, sending_for
from clarion.integrations.sqlalchemy.waiting import warn_of_waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Result
    from sqlalchemy.orm import Mapper, ORMExecuteState, Session

    from clarion.integrations.sqlalchemy.model_signal import ModelSignal


def execute(state: ORMExecuteState) -> Result[Any] | None:
    """Execute a statement, and send a signal if it is a bulk write."""
    signal = _signal_of(state)
    mapper = state.bind_mapper
    if signal is None or mapper is None:
        return None
    warn_of_waiting()
    sender = mapper.class_
    is_expanded = state.is_delete and expands_deletes(state.session)
    if not state.is_delete:
        warn(state.session, sender)
    elif not is_expanded:
        warn(state.session, sender, signals.pre_delete, signals.post_delete)
    loaded: Sequence[Any] = _objects_to_delete(state, mapper) if is_expanded else ()
    if not loaded and not signal.has_listeners(sender):
        return None
    return _execute(state, mapper, signal, loaded)


def _signal_of(state: ORMExecuteState) -> ModelSignal[..., Any] | None:
    if state.is_select:
        return None
    if state.is_insert:
        return signals.post_bulk_insert
    if state.is_update:
        return signals.post_bulk_update
    return signals.post_bulk_delete if state.is_delete else None


def _execute(
    state: ORMExecuteState,
    mapper: Mapper[Any],
    signal: ModelSignal[..., Any],
    loaded: Sequence[Any],
) -> Result[Any]:
    statement = _write_of(state)
    alias = using(state.session, mapper, state.bind_arguments) if loaded else ""
    _send_deletes(signals.pre_delete, state.session, loaded, alias, statement)
    result, written_to = invoke(state)
    _send_deletes(signals.post_delete, state.session, loaded, alias, statement)
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
                using=written_to or using(state.session, mapper, state.bind_arguments),
            )
    return result


def _send_deletes(
    signal: ModelSignal[..., Any],
    session: Session,
    loaded: Sequence[Any],
    alias: str,
    statement: object,
) -> None:
    with sending_for(session):
        for each in loaded:
            sender: type[Any] = each.__class__
            deliver(signal, sender, instance=each, using=alias, origin=statement)


def _read(
    state: ORMExecuteState, mapper: Mapper[Any], result: Result[Any]
) -> tuple[Result[Any], int | None, set[Any] | None]:
    """Return a result that can still be read, the number of rows, and their keys."""
    statement = _write_of(state)
    if len(statement.exported_columns):  # those of RETURNING
        result, rows = read_rows(result)  # the caller of the statement reads them too
        return result, len(rows), primary_keys(rows, mapper, statement)
    count = getattr(result, "rowcount", -1)
    # A mock of a connection returns anything.
    if not isinstance(count, int) or _counts_twice(statement):
        return result, None, None
    if count < 0 and isinstance(state.parameters, list) and _writes_each(state, statement):
        count = len(state.parameters)  # the ORM has executed several statements
    return result, count if count >= 0 else None, None


def _counts_twice(statement: Any) -> bool:
    """Return whether MySQL counts a row that the statement updates as two."""
    clause = getattr(statement, "_post_values_clause", None)
    return getattr(clause, "__visit_name__", None) == "on_duplicate_key_update"


def _write_of(state: ORMExecuteState) -> Any:
    """Return the `insert()`, `update()` or `delete()`, also inside a `from_statement()`."""
    statement: Any = state.statement
    return statement.element if isinstance(statement, FromStatement) else statement


def _writes_each(state: ORMExecuteState, statement: Any) -> bool:
    """Return whether a statement has written one row for each of its parameters."""
    if state.is_update:
        # Unless the driver counts the rows, SQLAlchemy raises no StaleDataError for a missing row.
        bind = _bind_arguments(state).get("bind")
        counts = getattr(getattr(bind, "dialect", None), "supports_sane_multi_rowcount", False)
        return statement.whereclause is None and bool(counts)
    # ON CONFLICT, or a prefix such as IGNORE, skips rows.
    return state.is_insert and statement._post_values_clause is None and not statement._prefixes


def _bind_arguments(state: ORMExecuteState) -> dict[str, Any]:
    """Return the arguments of a query on the engine that the statement writes to."""
    arguments: dict[str, Any] = dict(state.bind_arguments)
    try:
        return {**arguments, "bind": arguments.get("bind") or state.session.get_bind(**arguments)}
    except Exception:  # noqa: BLE001  # a ShardedSession executes it on several engines
        return arguments


def _objects_to_delete(state: ORMExecuteState, mapper: Mapper[Any]) -> Sequence[Any]:
    """Load the objects that a statement is going to delete, if their signals have receivers."""
    senders = [each.class_ for each in mapper.self_and_descendants]
    either = signals.pre_delete, signals.post_delete
    if not any(signal.has_listeners(sender) for signal in either for sender in senders):
        return ()
    statement = _write_of(state)
    # Not `state.user_defined_options`, which lacks those of `with_loader_criteria`.
    query = select(mapper.class_).options(*statement._with_options)
    if statement.whereclause is not None:
        query = query.where(statement.whereclause)
    result = state.session.scalars(
        query,
        state.parameters or {},
        execution_options=_options_to_load(state),
        bind_arguments=_bind_arguments(state),
    )
    found: Sequence[Any] = result.unique().all()
    return found


def _options_to_load(state: ORMExecuteState) -> dict[str, Any]:
    """Return the execution options without those that only a write has."""
    of_writes = "synchronize_session", "dml_strategy", "is_delete_using", "is_update_from"
    return {
        name: value
        for name, value in state.execution_options.items()
        if not name.startswith("_") and name not in of_writes and name != "yield_per"
    }
