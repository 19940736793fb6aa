"""What a save changes, told of models that ask for it.

An object of such a model remembers the values that its row had when it was last read or
written. A receiver of `pre_save` or `post_save` that has a parameter `changes` is given what
differs.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Model

from clarion._core.names import described, dotted
from clarion._core.signatures import signature_of
from clarion.changes import Changes
from clarion.errors import ArgumentError
from clarion.integrations.django.orm.rows import Row, attributes, differs, taken

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    M = TypeVar("M", bound=type[Model])


def track_changes(model: M) -> M:
    """Have the objects of a model remember their rows, so that receivers may ask for `changes`.

    It is a class decorator, for abstract models too; for a model that is there, call it. The
    models that inherit from it are tracked with it. Doing it again changes nothing.

    Args:
        model: the model.

    Returns:
        The same model.

    Raises:
        ArgumentError: if it is no model of Django's.
    """
    _check(model)
    if not is_tracked(model):
        for name, stand_in in _STAND_INS.items():
            _put(model, name, stand_in)
        setattr(model, _MARK, True)
    return model


def _check(model: object) -> None:
    if not (isinstance(model, type) and issubclass(model, Model)):
        raise ArgumentError(
            f"{model!r} is no model of Django's. Give track_changes the class.", ["model"]
        )


_MARK = "_clarion_tracks_changes"


def is_tracked(model: type) -> bool:
    """Tell whether the objects of a model remember their rows."""
    return getattr(model, _MARK, False)


class Wanted(str):
    """The name of what a receiver asks for, which knows what to do without it."""

    __slots__ = ("_default", "_is_required", "_receiver")

    _default: Any
    _is_required: bool
    _receiver: str

    @classmethod
    def by(cls, receiver: Any) -> Wanted:
        """Return what a receiver with a parameter `changes` wants."""
        wanted = cls("changes")
        wanted._receiver = described(receiver)
        signature = signature_of(receiver)
        assert signature is not None, "it was asked for its parameters"  # noqa: S101
        parameter = signature.parameters["changes"]
        wanted._default = parameter.default
        wanted._is_required = parameter.default is parameter.empty
        return wanted

    def found(self, arguments: dict[str, Any]) -> Any:
        """Return what the save that sends these arguments changes; the default if nobody knows.

        Raises:
            ArgumentError: if nobody knows, and there is no default.
        """
        instance = arguments.get("instance")
        if is_tracked(type(instance)):
            return _save_of(instance, is_over="created" in arguments).offer(arguments)
        if not self._is_required:
            return self._default
        raise ArgumentError(
            f"Receiver {self._receiver} asks for changes, and {dotted(type(instance))} does not track "
            f"them. Decorate the model with clarion.integrations.django.track_changes, or give "
            f"`changes` a default.",
            ["changes"],
        )


class Save:
    """One save of one object that is going on.

    Attributes:
        instance: the object.
        outer: the save amid which this one is made, of whatever object.
    """

    __slots__ = ("_changes", "_is_told", "_written", "instance", "outer")

    def __init__(self, instance: Any, outer: Save | None = None) -> None:
        self.instance = instance
        self.outer = outer
        self._written: Callable[[], Changes] | None = None
        self._is_told = False
        self._changes = Changes({})

    def write(self, write: Callable[[], bool], using: str, update_fields: Any) -> bool:
        """Have the row written; remember it as it is now, and what it was before."""
        instance = self.instance
        names, before = _named(instance, update_fields), _known(instance, using)
        present = attributes(instance)
        is_updated = write()
        now = taken(instance)
        pending = [name for name in present if name not in now]
        # Not worked out before somebody asks.
        self._written = partial(_changes, instance, names, before, now, pending, not is_updated)
        if is_updated and before is not None:
            others = {name: value for name, value in before.items() if name not in names}
            now = others | {name: now[name] for name in names if name in now}
        elif is_updated:
            now = {name: value for name, value in now.items() if name in names}
        instance._state.clarion_row = now
        return is_updated

    def offer(self, arguments: dict[str, Any]) -> Changes:
        """Return what it changes, as far as is known now; the same object while that is the same."""
        if self._is_told:
            return self._changes
        self._is_told = self._written is not None
        changes = self._foreseen(arguments) if self._written is None else self._written()
        if changes != self._changes:
            self._changes = changes
        return self._changes

    def _foreseen(self, arguments: dict[str, Any]) -> Changes:
        instance = self.instance
        names = _named(instance, arguments.get("update_fields"))
        before, now = _known(instance, arguments.get("using")), taken(instance)
        pending = [name for name in attributes(instance) if name not in now]
        is_new = arguments.get("created")
        if is_new is None:
            is_new = not instance._is_pk_set() or (instance._state.adding and before is None)
            # A key that is not there is for the database to give.
            pending += [name for name in _keys(instance) if now.get(name, "") is None]
        return _changes(instance, names, before, now, pending, is_new)


# The one that is going on, and the last one that did not tell when it began: a raw save.
_innermost: ContextVar[Save | None] = ContextVar("clarion_save", default=None)
_raw: ContextVar[Save | None] = ContextVar("clarion_raw_save", default=None)


def _save_of(instance: Any, *, is_over: bool) -> Save:
    save = _innermost.get()
    while save is not None and save.instance is not instance:
        save = save.outer
    if save is not None:
        return save
    if is_over and (save := _raw.get()) is not None and save.instance is instance:
        return save
    return Save(instance)  # whoever sends by hand is in no save


def _keys(instance: Any) -> list[str]:
    return [field.attname for field in instance._meta.pk_fields]


def _named(instance: Any, update_fields: Collection[str] | None) -> list[str]:
    """Return the attributes that a save writes."""
    return [
        field.attname
        for field in instance._meta.concrete_fields
        if update_fields is None or field.name in update_fields or field.attname in update_fields
    ]


def _known(instance: Any, using: str | None) -> Row | None:
    """Return the row as it was last seen; None if another one is going to be written."""
    row: Row | None = getattr(instance._state, _ROW, None)
    if row is None or using not in (None, instance._state.db):
        return None
    is_same = all(row.get(name) == getattr(instance, name) for name in _keys(instance))
    return row if is_same else None


def _changes(
    instance: Any,
    names: Iterable[str],
    before: Row | None,
    now: Row,
    pending: Collection[str],
    is_new: bool,  # noqa: FBT001
) -> Changes:
    if is_new:
        news = {name: (None, value) for name, value in now.items() if name not in pending}
        return Changes(news, pending)
    found, unknown, keys = {}, [], _keys(instance)
    for name in names:
        if name not in now or name in keys:
            continue
        if before is None or name not in before:
            unknown.append(name)
            found[name] = (None, now[name])
        elif differs(instance, name, before[name], now[name]):
            found[name] = (before[name], now[name])
    return Changes(found, [name for name in names if name in pending], unknown)


# What stands in for methods of a tracked model: each calls the one that it found there.


def _from_db(original: Any, model: Any, /, *args: Any, **kwargs: Any) -> Any:
    instance = original(model, *args, **kwargs)
    instance._state.clarion_row = taken(instance)
    return instance


def _refresh_from_db(
    original: Any,
    instance: Any,
    /,
    using: Any = None,
    fields: Any = None,
    *args: Any,
    **kwargs: Any,
) -> None:
    fields = None if fields is None else list(fields)
    original(instance, using, fields, *args, **kwargs)
    read = taken(instance)
    if fields is not None:
        named = _named(instance, fields)
        read = {name: value for name, value in read.items() if name in named}
        read = (getattr(instance._state, _ROW, None) or {}) | read
    instance._state.clarion_row = read


def _save_base(original: Any, instance: Any, /, *args: Any, **kwargs: Any) -> None:
    token = _innermost.set(Save(instance, _innermost.get()))
    try:
        original(instance, *args, **kwargs)
    finally:
        _innermost.reset(token)


def _save_table(original: Any, instance: Any, /, *args: Any, **kwargs: Any) -> bool:
    cls, using, update_fields = _told(*args, **kwargs)
    write = partial(original, instance, *args, **kwargs)
    if cls is not instance._meta.concrete_model:  # a parent's part of the row
        return bool(write())
    save = _save_of(instance, is_over=False)
    if save is not _innermost.get():
        # Fixtures are loaded by Django's own save_base, whatever the model's.
        _raw.set(save)
    return save.write(write, using, update_fields)


def _told(
    raw: bool = False,  # noqa: ARG001, FBT001, FBT002
    cls: Any = None,
    force_insert: Any = False,  # noqa: ARG001, FBT002
    force_update: Any = False,  # noqa: ARG001, FBT002
    using: Any = None,
    update_fields: Any = None,
) -> tuple[Any, Any, Any]:
    return cls, using, update_fields


_ROW = "clarion_row"

_STAND_INS: dict[str, Callable[..., Any]] = {
    "from_db": _from_db,
    "refresh_from_db": _refresh_from_db,
    "save_base": _save_base,
    "_save_table": _save_table,
}


def _put(model: type[Model], name: str, stand_in: Callable[..., Any]) -> None:
    """Have a method of a model, its own or an inherited one, stood in for."""
    own = vars(model).get(name)
    is_of_class = name == "from_db"
    function = own.__func__ if own is not None and is_of_class else own

    def original(bound: Any, *args: Any, **kwargs: Any) -> Any:
        if function is not None:
            return function(bound, *args, **kwargs)
        return getattr(super(model, bound), name)(*args, **kwargs)

    @wraps(getattr(model, name))
    def method(bound: Any, /, *args: Any, **kwargs: Any) -> Any:
        return stand_in(original, bound, *args, **kwargs)

    setattr(model, name, classmethod(method) if is_of_class else method)
