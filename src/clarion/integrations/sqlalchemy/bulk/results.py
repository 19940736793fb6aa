"""Invoke a statement inside its own event, and read the rows that it returns.

The caller of the statement notices neither: it reads the same rows from the same result, and its
session is asked for an engine in the same way.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult, inspect
from sqlalchemy.orm import Session

from clarion.integrations.sqlalchemy.aliases import alias_of
from clarion.integrations.sqlalchemy.rows.mapper_info import primary_key

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from sqlalchemy import Result
    from sqlalchemy.orm import Mapper, ORMExecuteState


def invoke(state: ORMExecuteState) -> tuple[Result[Any], str | None]:
    """Execute the statement of an event.

    Returns:
        its result, and the alias of the engine that the session's own `get_bind` chose; None
        if it has none of its own, or chose several engines.
    """
    with _recorded_binds(state.session) as binds:
        result = state.invoke_statement()
    aliases = {alias_of(getattr(bind, "engine", None)) for bind in binds}
    return result, aliases.pop() if len(aliases) == 1 else None


@contextmanager
def _recorded_binds(session: Session) -> Generator[list[Any]]:
    """Record what a session's own `get_bind` returns for writes.

    `get_bind` gets the arguments of an execution without an event: `invoke_statement` adds an internal
    one, which the `get_bind(mapper, clause)` of SQLAlchemy's manual refuses.
    """
    binds: list[Any] = []
    before = vars(session).get("get_bind")
    if before is None and type(session).get_bind is Session.get_bind:
        yield binds
        return
    original = session.get_bind

    def get_bind(*args: Any, _sa_skip_events: object = None, **arguments: Any) -> Any:
        bind = original(*args, **arguments)
        if getattr(arguments.get("clause"), "is_dml", False):
            binds.append(bind)
        return bind

    vars(session)["get_bind"] = get_bind
    try:
        yield binds
    finally:
        if before is None:
            del vars(session)["get_bind"]
        else:
            vars(session)["get_bind"] = before


def read_rows(result: Result[Any]) -> tuple[Result[Any], Sequence[Any]]:
    """Return a result that can still be read, and its rows.

    The rows are read below the ORM, because the ORM must update loaded objects only when
    the caller reads the rows.
    """
    cursor = _cursor_of(result)
    # A ShardedSession has merged several results. For an AsyncSession, the ORM has read all rows.
    if cursor is None or (
        cursor is not result and cursor.context.execution_options.get("prebuffer_rows")
    ):
        frozen = result.freeze()
        return frozen(), frozen().all()
    rows = cursor.all()
    # SQLAlchemy does the same, for the rows of an insert that it reads itself.
    cursor._rewind(rows)
    return result, rows


def _cursor_of(result: Result[Any]) -> CursorResult[Any] | None:
    cursor: Any = result if _is_cursor(result) else getattr(result, "raw", None)
    return cursor if _is_cursor(cursor) else None


def _is_cursor(result: object) -> bool:
    return isinstance(result, CursorResult)


def primary_keys(rows: Sequence[Any], mapper: Mapper[Any], statement: Any) -> set[Any] | None:
    """Return the primary keys in the rows or in their objects; None if a row has none."""
    found: set[Any] = set()
    places = [_names_of_key(mapper, column, statement) for column in mapper.primary_key]
    for row in rows:
        mine = [each for each in row if isinstance(each, mapper.class_)]
        if mine:
            found.add(primary_key(inspect(mine[0])))
            continue
        key = [
            next((row._mapping[each] for each in names if each in row._mapping), None)
            for names in places
        ]
        if None in key:
            return None
        found.add(key[0] if len(key) == 1 else tuple(key))
    return found


def _names_of_key(mapper: Mapper[Any], column: Any, statement: Any) -> list[Any]:
    """Return the names that a column of the primary key may have in the rows of RETURNING."""
    prop = mapper.get_property_by_column(column)
    returned = statement.exported_columns.get(prop.key)
    # Its name may be the label of something else.
    is_key = returned is None or any(returned.shares_lineage(each) for each in prop.columns)
    # A subclass returns the column of its own table.
    return [*prop.columns, prop.key] if is_key else [*prop.columns]
