"""`track_changes`: make the objects of a model remember the values of their rows.

They are remembered when the object is read or written. `change_requests` gives receivers the
differences.
"""

from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Model

from clarion._core.names import dotted
from clarion.errors import ArgumentError
from clarion.integrations.django.orm.rows import row_of
from clarion.integrations.django.orm.saves import (
    begin_save,
    end_save,
    remember_row,
    remembered_row,
    save_to_write,
    written_attributes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    M = TypeVar("M", bound=type[Model])

_IS_TRACKED = "_clarion_tracks_changes"  # an attribute of the model


def track_changes(model: M) -> M:
    """Make a model's objects remember their rows, so that receivers get `changes`.

    It is a class decorator, for abstract models too; call it for a model that exists already.
    Models that inherit from it are tracked as well. Calling it again changes nothing.

    Args:
        model: the model.

    Returns:
        The same model.

    Raises:
        ArgumentError: if it is not a Django model.
    """
    _check_model(model)
    if not is_tracked(model):
        for name, replacement in _REPLACEMENTS.items():
            _replace_method(model, name, replacement)
        setattr(model, _IS_TRACKED, True)
    return model


def _check_model(model: object) -> None:
    if not (isinstance(model, type) and issubclass(model, Model)):
        given = dotted(model) if isinstance(model, type) else f"an object of {dotted(type(model))}"
        raise ArgumentError(
            f"track_changes() was given {given}, which is not a Django model. Give it a model.",
            ["model"],
        )


def is_tracked(model: type) -> bool:
    """Return whether the objects of a model remember their rows."""
    return getattr(model, _IS_TRACKED, False)


def _from_db(original: Any, model: Any, /, *args: Any, **kwargs: Any) -> Any:
    instance = original(model, *args, **kwargs)
    remember_row(instance, row_of(instance))
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
    row = row_of(instance)
    if fields is not None:
        names = written_attributes(instance, fields)
        row = {name: value for name, value in row.items() if name in names}
        row = (remembered_row(instance) or {}) | row
    remember_row(instance, row)


def _save_base(original: Any, instance: Any, /, *args: Any, **kwargs: Any) -> None:
    token = begin_save(instance)
    try:
        original(instance, *args, **kwargs)
    finally:
        end_save(token)


def _save_table(original: Any, instance: Any, /, *args: Any, **kwargs: Any) -> bool:
    cls, using, update_fields = _save_table_arguments(*args, **kwargs)
    write = partial(original, instance, *args, **kwargs)
    if cls is not instance._meta.concrete_model:  # the table of a parent
        return bool(write())
    return save_to_write(instance).write(write, using, update_fields)


def _save_table_arguments(
    raw: bool = False,  # noqa: ARG001, FBT001, FBT002
    cls: Any = None,
    force_insert: Any = False,  # noqa: ARG001, FBT002
    force_update: Any = False,  # noqa: ARG001, FBT002
    using: Any = None,
    update_fields: Any = None,
) -> tuple[Any, Any, Any]:
    # The parameters of Django's method.
    return cls, using, update_fields


# By the name of the method: what is called in its place, with the method as first argument.
_REPLACEMENTS: dict[str, Callable[..., Any]] = {
    "from_db": _from_db,
    "refresh_from_db": _refresh_from_db,
    "save_base": _save_base,
    "_save_table": _save_table,
}


def _replace_method(model: type[Model], name: str, replacement: Callable[..., Any]) -> None:
    """Replace a method of a model, its own or an inherited one."""
    own = vars(model).get(name)
    is_class_method = name == "from_db"
    function = own.__func__ if own is not None and is_class_method else own

    def original(bound: Any, *args: Any, **kwargs: Any) -> Any:
        if function is not None:
            return function(bound, *args, **kwargs)
        return getattr(super(model, bound), name)(*args, **kwargs)

    @wraps(getattr(model, name))
    def method(bound: Any, /, *args: Any, **kwargs: Any) -> Any:
        return replacement(original, bound, *args, **kwargs)

    setattr(model, name, classmethod(method) if is_class_method else method)
