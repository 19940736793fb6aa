"""What a flush does to a row, for receivers that ask for `changes`.

Before the flush the row holds the old values, after it the new ones, so it is looked at twice.
SQLAlchemy knows most of what it holds. The rest is read, and the instance is left as it is.

Where nobody asks there are no change sets.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import LoaderCallableStatus, object_session

from clarion.changes import Changes
from clarion.integrations.sqlalchemy.flush.columns import PLAIN, changed, is_expression, linked
from clarion.integrations.sqlalchemy.flush.mapper_info import mapper_info

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable

    from sqlalchemy.orm import InstanceState, Session

    from clarion.integrations.sqlalchemy.flush.plan import Save
    from clarion.integrations.sqlalchemy.model_signal import ModelSignal

    State = InstanceState[Any]

# Of the state itself, not of its `info`, which is pickled along.
_KEY = "_clarion_changes"


class ChangeSet:
    """What becomes of one row in one flush.

    Args:
        session: the session, or None if the instance is in none.
        state: the state of the instance.
    """

    __slots__ = ("_final", "_old", "_pending", "_session", "state")

    def __init__(self, session: Session | None, state: State) -> None:
        self.state = state
        self._session = session
        self._old: dict[str, Any] = {}
        self._pending: frozenset[str] = frozenset()
        self._final: Changes | None = None

    @property
    def changes(self) -> Changes:
        """What the flush will write as things stand; what it has written, once it has."""
        if self._final is not None:
            return self._final
        new, pending = _to_write(self.state)
        old = {} if self.state.key is None else self._remember(new)
        return Changes({name: (old.get(name), value) for name, value in new.items()}, pending)

    def fix(self, update_fields: frozenset[str] | None) -> None:
        """Keep what the flush will overwrite; `update_fields` is None for a new row."""
        if update_fields is None:
            _, self._pending = _to_write(self.state)
        else:
            self._remember(update_fields)

    def settle(self, update_fields: frozenset[str] | None) -> None:
        """Take the values that the flush has written."""
        if update_fields is not None:
            new = self._in_row(sorted(update_fields))
        else:
            loaded = [
                name for name in mapper_info(self.state.mapper).columns if name in self.state.dict
            ]
            new = self._in_row([*loaded, *sorted(self._pending.difference(loaded))])
            new = {name: value for name, value in new.items() if value is not None}
        self._final = Changes({name: (self._old.get(name), new[name]) for name in new})

    def _remember(self, names: Collection[str]) -> dict[str, Any]:
        """Return old values, each of which is read at most once."""
        self._old |= self._in_row([name for name in names if name not in self._old])
        return self._old

    def _in_row(self, names: Iterable[str]) -> dict[str, Any]:
        """Return what the row holds."""
        found: dict[str, Any] = {}
        unknown: list[str] = []
        for name in names:
            missing = LoaderCallableStatus.NO_VALUE
            value = self.state.committed_state.get(name, self.state.dict.get(name, missing))
            if isinstance(value, LoaderCallableStatus) or is_expression(value):
                unknown.append(name)
                value = None
            found[name] = detached(value)
        return found | self._read(unknown) if unknown else found

    def _read(self, names: list[str]) -> dict[str, Any]:
        if self._session is None or self.state.key is None:
            return {}
        mapper = self.state.mapper
        key = zip(mapper.primary_key, self.state.key[1], strict=True)
        # Not through the ORM, whose queries may be given events and criteria.
        row = (
            self._session.connection(bind_arguments={"mapper": mapper})
            .execute(
                select(*(mapper.column_attrs[name].columns[0] for name in names))
                .select_from(mapper.persist_selectable)
                .where(*(column == value for column, value in key))
            )
            .first()
        )
        return {} if row is None else dict(zip(names, row, strict=True))


def _to_write(state: State) -> tuple[dict[str, Any], frozenset[str]]:
    """Return what a flush would write, and the names of what it does not know yet."""
    shape = mapper_info(state.mapper)
    values = {**state.dict, **linked(state, shape)}
    is_new = state.key is None
    names = [name for name in shape.columns if name in values] if is_new else changed(state, shape)
    new = {name: values.get(name) for name in sorted(names)}
    pending = frozenset(name for name, value in new.items() if is_expression(value))
    return {
        name: detached(value)
        for name, value in new.items()
        if name not in pending and not (is_new and value is None)
    }, pending


def detached(value: Any) -> Any:
    """Return a value that nobody can change by way of the instance."""
    if type(value) in PLAIN:
        return value
    # Importing it attaches hooks to every mapper, and without it no value is of its types.
    mutable = sys.modules.get("sqlalchemy.ext.mutable")
    if mutable is not None and isinstance(value, mutable.Mutable):
        return _unwatched(value, mutable)
    return _copied(value)


def _unwatched(value: Any, mutable: Any) -> Any:
    """Return a copy of a value without the watch that is kept on it."""
    for watched, bare in (
        (mutable.MutableDict, dict),
        (mutable.MutableList, list),
        (mutable.MutableSet, set),
    ):
        if isinstance(value, watched):
            return _copied(bare(value))
    copied = _copied(value)
    if copied is not value:
        copied.__dict__.pop("_parents", None)  # or changing the copy would mark the instance
    return copied


def _copied(value: Any) -> Any:
    try:
        return deepcopy(value)
    except Exception:  # noqa: BLE001  # a type of the program's own may refuse in its own way
        return value


class ChangeSets:
    """The change sets of one flush, of those classes whose receivers ask for them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._made: dict[State, ChangeSet] = {}

    def of(self, signal: ModelSignal[..., Any], saves: Collection[Save]) -> dict[Save, ChangeSet]:
        """Return those of which a receiver of this signal is to be told."""
        senders = {each.sender for each in saves}
        asked = {sender for sender in senders if _is_asked(signal, sender)}
        return (
            {each: self._of(each.state) for each in saves if each.sender in asked} if asked else {}
        )

    def _of(self, state: State) -> ChangeSet:
        if state not in self._made:
            self._made[state] = ChangeSet(self._session, state)
        return self._made[state]

    def fix(self, signal: ModelSignal[..., Any], saves: Collection[Save]) -> None:
        """Keep for this signal what the flush will overwrite."""
        for save, changeset in self.of(signal, saves).items():
            changeset.fix(save.update_fields)
            save.changeset = changeset


def _is_asked(signal: ModelSignal[..., Any], sender: type[Any]) -> bool:
    route = signal._table.find(sender)
    return not route.is_simple and any("changes" in each.requested for each in route.registrations)


def settle(saves: Iterable[Save]) -> list[ChangeSet]:
    """Return the change sets of what has been written, with the values that were."""
    found: list[ChangeSet] = []
    for each in saves:
        if each.changeset is not None and each.state.key is not None:
            each.changeset.settle(each.update_fields)
            found.append(each.changeset)
    return found


@contextmanager
def told(changesets: Iterable[ChangeSet]) -> Generator[None]:
    """Have receivers that ask be given these."""
    inner = {each.state: each for each in changesets}
    # A receiver of post_save may flush again what it is told of.
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
    """Return what a receiver gets that asks for the changes of an instance."""
    state: State | None = inspect(instance, raiseerr=False)
    if state is None:
        return Changes({})  # sent by hand, for something that is not mapped
    changeset: ChangeSet | None = vars(state).get(_KEY)
    return (changeset or ChangeSet(object_session(instance), state)).changes
