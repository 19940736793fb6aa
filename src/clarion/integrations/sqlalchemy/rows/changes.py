"""The old and new values of a row, for receivers that request `changes`.

Before the flush the row holds the old values, after it the new ones. So a change set reads
old values before the flush and new values after it. The row of a deletion has old values
only. A change set takes what SQLAlchemy has loaded and selects the rest, without a change to the
instance.

A flush makes no change set if no receiver requests `changes`.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import LoaderCallableStatus, object_session

from clarion.changes import Changes
from clarion.integrations.sqlalchemy.binds import write_connection
from clarion.integrations.sqlalchemy.rows.columns import (
    changed_columns,
    is_expression,
    new_foreign_keys,
)
from clarion.integrations.sqlalchemy.rows.mapper_info import mapper_info
from clarion.integrations.sqlalchemy.rows.values import copy_value

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable

    from sqlalchemy.orm import InstanceState, Session

    State = InstanceState[Any]

# An attribute of the state itself: its `info` would be pickled with the instance.
_KEY = "_clarion_changes"


class ChangeSet:
    """The old and new values of one row in one flush.

    Args:
        session: the session, or None if the instance has none.
        state: the state of the instance.
    """

    __slots__ = ("_final", "_old", "_pending", "_session", "_unknown", "state")

    def __init__(self, session: Session | None, state: State) -> None:
        self.state = state
        self._session = session
        self._old: dict[str, Any] = {}
        self._pending: frozenset[str] = frozenset()
        self._unknown: set[str] = set()
        self._final: Changes | None = None

    @property
    def changes(self) -> Changes:
        """What a flush would write now, or after the flush what it has written."""
        if self._final is not None:
            return self._final
        new, pending = _to_write(self.state)
        old = {} if self.state.key is None else self._read_old(new)
        return Changes({name: (old.get(name), value) for name, value in new.items()}, pending)

    def keep_old(self, update_fields: frozenset[str] | None) -> None:
        """Keep the values that the flush overwrites.

        Args:
            update_fields: the columns that it updates; None for a new row.
        """
        if update_fields is None:
            _, self._pending = _to_write(self.state)
        else:
            mapper = self.state.mapper
            # Its listeners may change any column, and then it is too late to read the row.
            more = mapper_info(mapper).columns if mapper.dispatch.before_update else ()
            self._read_old(update_fields.union(more))

    def read_new(self, update_fields: frozenset[str] | None) -> None:
        """Read the values that the flush has written.

        Args:
            update_fields: as for `keep_old`.
        """
        if update_fields is not None:
            new = self._values_of_row(sorted(update_fields))
        else:
            loaded = [
                name for name in mapper_info(self.state.mapper).columns if name in self.state.dict
            ]
            new = self._values_of_row([*loaded, *sorted(self._pending.difference(loaded))])
            new = {name: value for name, value in new.items() if value is not None}
        changes = {name: (self._old.get(name), new[name]) for name in new}
        self._final = Changes(changes, unknown=self._unknown)

    def keep_old_of_flush(self, update_fields: frozenset[str]) -> None:
        """Keep the old values of columns that mapper events have changed in the flush."""
        for name in update_fields - self._old.keys():
            value = self.state.committed_state.get(name, LoaderCallableStatus.NO_VALUE)
            if isinstance(value, LoaderCallableStatus):
                self._unknown.add(name)  # it was never loaded, and the row has the new value
            else:
                self._old[name] = copy_value(value)

    def keep_last(self) -> None:
        """Keep the values of a row that is deleted: each changes from its last value to None."""
        names = mapper_info(self.state.mapper).columns
        values = self._values_of_row(names)
        self._final = Changes({name: (values[name], None) for name in names})

    def _read_old(self, names: Collection[str]) -> dict[str, Any]:
        """Return the old values; each is read once."""
        self._old |= self._values_of_row([name for name in names if name not in self._old])
        return self._old

    def _values_of_row(self, names: Iterable[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        unknown: list[str] = []
        for name in names:
            missing = LoaderCallableStatus.NO_VALUE
            value = self.state.committed_state.get(name, self.state.dict.get(name, missing))
            if isinstance(value, LoaderCallableStatus) or is_expression(value):
                unknown.append(name)
                value = None
            found[name] = copy_value(value)
        return found | self._select(unknown) if unknown else found

    def _select(self, names: list[str]) -> dict[str, Any]:
        if self._session is None or self.state.key is None:
            return {}
        mapper = self.state.mapper
        key = zip(mapper.primary_key, self.state.key[1], strict=True)
        # Not through the ORM: user code may add events and criteria to its queries.
        row = (
            write_connection(self._session, self.state)
            .execute(
                select(*(mapper.column_attrs[name].columns[0] for name in names))
                .select_from(mapper.persist_selectable)
                .where(*(column == value for column, value in key))
            )
            .first()
        )
        return {} if row is None else dict(zip(names, row, strict=True))


def _to_write(state: State) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the values a flush would write, and the columns without a value yet."""
    info = mapper_info(state.mapper)
    values = {**state.dict, **new_foreign_keys(state, info)}
    is_new = state.key is None
    if is_new:
        names = [name for name in info.columns if name in values]
    else:
        names = [*changed_columns(state, info)]
    new = {name: values.get(name) for name in sorted(names)}
    pending = frozenset(name for name, value in new.items() if is_expression(value))
    return {
        name: copy_value(value)
        for name, value in new.items()
        if name not in pending and not (is_new and value is None)
    }, pending


@contextmanager
def provide_changes(change_sets: Iterable[ChangeSet]) -> Generator[None]:
    """Give receivers that request `changes` these change sets inside the block."""
    inner = {each.state: each for each in change_sets}
    # A receiver of post_save may flush the same instance again.
    outer: dict[State, ChangeSet | None] = {state: vars(state).get(_KEY) for state in inner}
    for state, each in inner.items():
        vars(state)[_KEY] = each
    try:
        yield
    finally:
        for state, before in outer.items():
            vars(state)[_KEY] = before
            if before is None:
                del vars(state)[_KEY]


def changes_of(instance: Any) -> Changes:
    """Return the changes of an instance, for a receiver that requests them."""
    state: State | None = inspect(instance, raiseerr=False)
    if state is None:
        return Changes({})  # user code has sent the signal for an unmapped object
    change_set: ChangeSet | None = vars(state).get(_KEY)
    return (change_set or ChangeSet(object_session(instance), state)).changes


def last_values_of(instance: Any) -> Changes:
    """Return the last values of a row, for a receiver of its deletion that requests `changes`."""
    state: State | None = inspect(instance, raiseerr=False)
    if state is None:
        return Changes({})
    change_set: ChangeSet | None = vars(state).get(_KEY)
    if change_set is None:
        # User code has sent the signal itself.
        change_set = ChangeSet(object_session(instance), state)
        change_set.keep_last()
    return change_set.changes


def is_same_row(one: Any, other: Any) -> bool:
    """Return whether two instances, or copies of them, are of the same row."""
    states: list[State | None] = [inspect(each, raiseerr=False) for each in (one, other)]
    keys = {None if state is None else state.key for state in states}
    return one is other or (len(keys) == 1 and None not in keys)


def is_equal_value(instance: Any, name: str, old: Any, new: Any) -> bool:
    """Return whether two values of a column are equal, as its type compares them."""
    state: State | None = inspect(instance, raiseerr=False)
    compare = None if state is None else mapper_info(state.mapper).columns.get(name)
    try:
        # A comparison may return any object, such as an array of booleans.
        return bool(old == new) if compare is None else compare(old, new) is True
    except Exception:  # noqa: BLE001  # user code may raise anything
        return False
