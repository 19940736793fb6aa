"""The saves that are running, and what each of them changes."""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from clarion.changes import Changes
from clarion.integrations.django.orm.rows import Row, differs, loaded_attributes, row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from contextvars import Token

_ROW = "clarion_row"  # an attribute of the instance's `_state`


def remember_row(instance: Any, row: Row) -> None:
    """Remember the row of an object as read or written."""
    setattr(instance._state, _ROW, row)


def remembered_row(instance: Any) -> Row | None:
    """Return the row of an object as last read or written, if any."""
    row: Row | None = getattr(instance._state, _ROW, None)
    return row


class Save:
    """One save of one object.

    Attributes:
        instance: the object.
        outer: the save of any object inside which this save is made; or None.
    """

    __slots__ = ("_changes", "_compute", "_is_final", "instance", "outer")

    def __init__(self, instance: Any, outer: Save | None = None) -> None:
        self.instance = instance
        self.outer = outer
        self._compute: Callable[[], Changes] | None = None
        self._is_final = False
        self._changes = Changes({})

    def write(self, write: Callable[[], bool], using: str, update_fields: Any) -> bool:
        """Write the row, and remember it before and after the write.

        Args:
            write: writes the row, and returns whether it was updated.
            using: the alias of the database.
            update_fields: the names of the fields to write; None for all.
        """
        instance = self.instance
        names, before = written_attributes(instance, update_fields), _row_before(instance, using)
        present = loaded_attributes(instance)
        is_updated = write()
        now = row_of(instance)
        pending = [name for name in present if name not in now]
        # Computed when a receiver asks for it.
        self._compute = partial(_compare, instance, names, before, now, pending, not is_updated)
        if is_updated and before is not None:
            others = {name: value for name, value in before.items() if name not in names}
            now = others | {name: now[name] for name in names if name in now}
        elif is_updated:
            now = {name: value for name, value in now.items() if name in names}
        remember_row(instance, now)
        return is_updated

    def changes(self, arguments: Mapping[str, Any]) -> Changes:
        """Return the changes as far as they are known now.

        All receivers are given the same object, unless the instance was changed between them.

        Args:
            arguments: the arguments of the receiver that asks.
        """
        if self._is_final:
            return self._changes
        self._is_final = self._compute is not None
        changes = (
            self._changes_before_write(arguments) if self._compute is None else self._compute()
        )
        if changes != self._changes:
            self._changes = changes
        return self._changes

    def _changes_before_write(self, arguments: Mapping[str, Any]) -> Changes:
        instance = self.instance
        names = written_attributes(instance, arguments.get("update_fields"))
        before, now = _row_before(instance, arguments.get("using")), row_of(instance)
        pending = [name for name in loaded_attributes(instance) if name not in now]
        is_new = arguments.get("created")
        if is_new is None:
            is_new = not instance._is_pk_set() or (instance._state.adding and before is None)
            # The database assigns a key that is missing.
            pending += [name for name in _keys(instance) if now.get(name, "") is None]
        return _compare(instance, names, before, now, pending, is_new)


# The innermost save that is running, and the last raw one, whose begin Django does not report.
_innermost: ContextVar[Save | None] = ContextVar("clarion_save", default=None)
_raw: ContextVar[Save | None] = ContextVar("clarion_raw_save", default=None)


def begin_save(instance: Any) -> Token[Save | None]:
    """Begin a save, perhaps inside another one; return the token to end it."""
    return _innermost.set(Save(instance, _innermost.get()))


def end_save(token: Token[Save | None]) -> None:
    """End the save of a token."""
    _innermost.reset(token)


def save_to_write(instance: Any) -> Save:
    """Return the save that is about to write an object's row."""
    save = save_of(instance, is_written=False)
    if save is not _innermost.get():
        # Fixtures are loaded by Django's own save_base, which `track_changes` does not replace.
        _raw.set(save)
    return save


def save_of(instance: Any, *, is_written: bool) -> Save:
    """Return the running save of an object, or a new one.

    Args:
        instance: the object.
        is_written: whether its row was written already, which a raw save may have done.
    """
    save = _innermost.get()
    while save is not None and save.instance is not instance:
        save = save.outer
    if save is not None:
        return save
    if is_written and (save := _raw.get()) is not None and save.instance is instance:
        return save
    return Save(instance)  # user code sends the signal itself


def last_values(instance: Any, using: str | None) -> Changes:
    """Return the values of a row that is deleted: each changes from its last value to None."""
    state = instance._state
    row = _row_before(instance, using)
    if remembered_row(instance) is None and not state.adding and using in (None, state.db):
        row = row_of(instance)  # Django makes the object of a parent's row from its child
    names = [field.attname for field in instance._meta.concrete_fields]
    known = {} if row is None else row
    unknown = [name for name in names if name not in known]
    return Changes({name: (known.get(name), None) for name in names}, unknown=unknown)


def written_attributes(instance: Any, update_fields: Collection[str] | None) -> list[str]:
    """Return the attributes that a save with these `update_fields` writes."""
    return [
        field.attname
        for field in instance._meta.concrete_fields
        if update_fields is None or field.name in update_fields or field.attname in update_fields
    ]


def _keys(instance: Any) -> list[str]:
    return [field.attname for field in instance._meta.pk_fields]


def _row_before(instance: Any, using: str | None) -> Row | None:
    """Return the remembered row; None if the save writes another row."""
    row = remembered_row(instance)
    if row is None or using not in (None, instance._state.db):
        return None
    is_same = all(row.get(name) == getattr(instance, name) for name in _keys(instance))
    return row if is_same else None


def _compare(
    instance: Any,
    names: Iterable[str],
    before: Row | None,
    now: Row,
    pending: Collection[str],
    is_new: bool,  # noqa: FBT001
) -> Changes:
    if is_new:
        values = {name: (None, value) for name, value in now.items() if name not in pending}
        return Changes(values, pending)
    changed, unknown, keys = {}, [], _keys(instance)
    for name in names:
        if name not in now or name in keys:
            continue
        if before is None or name not in before:
            unknown.append(name)
            changed[name] = (None, now[name])
        elif differs(instance, name, before[name], now[name]):
            changed[name] = (before[name], now[name])
    return Changes(changed, [name for name in names if name in pending], unknown)
