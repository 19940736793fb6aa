"""Keywords whose values are references: an object of a database, a model, a list or a tuple of them.

{"kind": "django", ...}                   an object
{"class": {"kind": "django", ...}}        a model
null                                      no object
[{"kind": "django", ...}, ...]            a list of them
{"tuple": [{"kind": "django", ...}, ...]} a tuple of them
"""

from __future__ import annotations

from collections import abc
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin

from clarion._core.names import quoted_name, signal_name, value_name
from clarion.envelope.references import (
    are_owned,
    dump_class,
    dump_object,
    is_owned_annotation,
    kind_owning,
    kind_owning_class,
    load_class,
    load_object,
)
from clarion.errors import DeclarationError

if TYPE_CHECKING:
    from clarion._core.signal import Signal

OF_ITS_OWN = "Send the object, or a list or tuple of objects, as a keyword of its own."

_SEQUENCES = {
    list,
    tuple,
    abc.Collection,
    abc.Iterable,
    abc.MutableSequence,
    abc.Sequence,
}


def is_reference(value: object) -> bool:
    """Return whether a value is stored as a reference, whatever its annotation is."""
    if type(value) in {list, tuple}:
        return are_owned(value)
    return kind_owning(value) is not None or kind_owning_class(value) is not None


def is_reference_annotation(annotation: Any, seen: frozenset[int] = frozenset()) -> bool:
    """Return whether each value of an annotation is stored as a reference, or is None.

    Args:
        annotation: the annotation.
        seen: the ids of the annotations that it is a part of, because an alias may name itself.
    """
    annotation = _plain(annotation)
    if id(annotation) in seen:
        return False
    seen |= {id(annotation)}
    parts = [_plain(part) for part in _parts(annotation)]
    if get_origin(annotation) in _SEQUENCES:
        return _are_models([_plain(part) for part in parts if part is not Ellipsis])
    if get_origin(annotation) in {Union, UnionType}:
        present = [part for part in parts if part is not type(None)]
        return bool(present) and all(is_reference_annotation(part, seen) for part in present)
    return _is_model(annotation)


def check_no_model(
    signal: Signal, name: str, annotation: Any, seen: frozenset[int] = frozenset()
) -> None:
    """Refuse a model deep inside an annotation, because its objects would be copied.

    Args:
        signal: the signal.
        name: the name of the keyword.
        annotation: its annotation.
        seen: as for `is_reference_annotation`.

    Raises:
        DeclarationError: if there is one.
    """
    annotation = _plain(annotation)
    if id(annotation) in seen:
        return
    if _is_model(annotation):
        raise DeclarationError(
            f"Signal {signal_name(signal)} cannot be stored, because the annotation of "
            f"{quoted_name(name)} has the model {value_name(annotation)} inside another type. {OF_ITS_OWN}",
        )
    for part in _parts(annotation):
        check_no_model(signal, name, part, seen | {id(annotation)})


def dump_reference(value: Any, name: str, *, snapshot: bool) -> Any:
    """Return the value of a keyword as JSON.

    Args:
        value: an object, a model, None, or a list or tuple of them.
        name: the name of the keyword.
        snapshot: whether to add the values of the objects.

    Raises:
        ValueError: if it is something else, or an object that has no key; the message names the place.
    """
    if type(value) not in {list, tuple}:
        return _dump(value, name, snapshot=snapshot)
    items = [_dump(each, f"{name}[{index}]", snapshot=snapshot) for index, each in enumerate(value)]
    return items if type(value) is list else {"tuple": items}


def load_reference(data: Any, session: Any, missing: str) -> object:
    """Return the value of a keyword from its JSON.

    Args:
        data: what `dump_reference` returned.
        session: the session or connection of the receiver, or None.
        missing: as for `load_object`.

    Raises:
        GoneError: if the row of an object is gone.
        DecodingError: if it is damaged, or names a model that is not one of this program.
    """
    is_tuple = _is_tuple(data)
    items: Any = data["tuple"] if is_tuple else data
    if type(items) is not list:
        return _load(items, session, missing)
    parts: list[Any] = items  # pyright: ignore[reportUnknownVariableType]
    loaded = [_load(each, session, missing) for each in parts]
    return tuple(loaded) if is_tuple else loaded


def _is_tuple(data: object) -> bool:
    return isinstance(data, dict) and len(data) == 1 and "tuple" in data  # pyright: ignore[reportUnknownArgumentType]


def _dump(value: Any, path: str, *, snapshot: bool) -> Any:
    if value is None:
        return None
    if kind_owning_class(value) is not None:
        return {"class": dump_class(value)}
    return dump_object(value, path, snapshot=snapshot)


def _load(data: Any, session: Any, missing: str) -> object:
    match data:
        case None:
            return None
        case {"class": {"kind": _, "name": str()} as named, **others} if not others:
            return load_class(named)
        case _:
            return load_object(data, session, missing)


def _are_models(parts: list[Any]) -> bool:
    """Return whether the items of a sequence are models, or optional ones."""
    flat = [
        _plain(each)
        for part in parts
        for each in (get_args(part) if get_origin(part) in {Union, UnionType} else (part,))
    ]
    present = [part for part in flat if part is not type(None)]
    return bool(present) and all(_is_model(part) for part in present)


def _is_model(annotation: Any) -> bool:
    if get_origin(annotation) is type:
        return all(map(is_owned_annotation, get_args(annotation)))
    return is_owned_annotation(annotation)


def _parts(annotation: Any) -> tuple[Any, ...]:
    return tuple(part for part in get_args(annotation) if not isinstance(part, (str, bytes)))


def _plain(annotation: Any) -> Any:
    """Return the type behind an alias, a `NewType`, a type variable or `Annotated`."""
    try:
        return _resolved(annotation)
    except NameError:  # an alias of a name that is not known; msgspec reports it
        return annotation


def _resolved(annotation: Any) -> Any:
    while True:
        if hasattr(annotation, "__metadata__"):  # Annotated
            annotation = annotation.__origin__
        elif hasattr(annotation, "__supertype__"):  # NewType
            annotation = annotation.__supertype__
        elif isinstance(annotation, TypeVar):
            if annotation.__bound__ is None:
                return annotation
            annotation = annotation.__bound__
        elif _is_alias(annotation):
            annotation = annotation.__value__
        elif _is_alias(get_origin(annotation)):
            annotation = _filled(annotation)
        else:
            return annotation


def _is_alias(annotation: Any) -> bool:
    # `type X = ...`, from CPython 3.12 on, and that of typing_extensions.
    return type(annotation).__name__ == "TypeAliasType"


def _filled(annotation: Any) -> Any:
    """Return the value of a generic alias with its arguments."""
    value: Any = annotation.__origin__.__value__
    try:
        return value[get_args(annotation)]
    except TypeError:  # it does not use them
        return value
