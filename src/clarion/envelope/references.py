"""References: objects of a database, stored as their key.

An instance of a model is not copied into a payload. The payload holds its model, its primary key
and its database. The receiver gets the row as it is when the receiver runs. An integration
registers one `ReferenceKind` for its framework. A program can register kinds for other stores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from clarion._core.names import quoted_name, value_name
from clarion.errors import ClarionError, DecodingError

if TYPE_CHECKING:
    from collections.abc import Iterable

# The key that marks a reference in a payload, and the key that marks a class. A payload never has a
# dictionary of the program in the places of these: see `codec.py`.
OBJECT, CLASS = "object", "class"


class GoneError(ClarionError, LookupError):
    """The row that a reference names does not exist any more."""


class ReferenceKind(Protocol):
    """How the objects of one framework are stored."""

    @property
    def name(self) -> str:
        """A short name, which is stored: "django", "sqlalchemy"."""
        ...

    def owns(self, value: object) -> bool:
        """Return whether a value is an object with a key, of this framework."""
        ...

    def owns_class(self, kind: type) -> bool:
        """Return whether this kind owns the objects of a class."""
        ...

    def dump(self, value: Any) -> dict[str, Any]:
        """Return the reference to an object, as JSON.

        Raises:
            ValueError: if the object has no key yet; the message says so in a few words.
        """
        ...

    def load(self, data: dict[str, Any], session: Any) -> object:
        """Return the object.

        Args:
            data: what `dump` returned.
            session: the session or connection of the receiver, or None.

        Raises:
            GoneError: if its row does not exist.
            LookupError: if its model does not exist.
        """
        ...

    def dump_class(self, kind: type) -> str:
        """Return the name of a class that this kind owns."""
        ...

    def load_class(self, name: str) -> type:
        """Return the class of this name, among those that the program has mapped.

        Raises:
            LookupError: if the program has no such class.
        """
        ...


kinds: dict[str, ReferenceKind] = {}


def register_reference_kind(kind: ReferenceKind) -> None:
    """Add the kind of a framework. A later kind with the same name replaces it."""
    kinds[kind.name] = kind


def kind_owning(value: object) -> ReferenceKind | None:
    """Return the kind that owns an object, or None."""
    return next((kind for kind in kinds.values() if kind.owns(value)), None)


def kind_owning_class(value: object) -> ReferenceKind | None:
    """Return the kind that owns the objects of a class; None for other values."""
    if not isinstance(value, type):
        return None
    return next((kind for kind in kinds.values() if kind.owns_class(value)), None)


def kind_named(name: object) -> ReferenceKind:
    """Return the kind that wrote a reference.

    Raises:
        DecodingError: if this program has not loaded it.
    """
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise DecodingError(
            f"A reference is of the kind {quoted_name(name)}, which this program does not have. "
            f"Import the framework in the worker, as the sender does."
        )
    return kind


def are_owned(values: object) -> bool:
    """Return whether this is a list or tuple of objects that are stored as references."""
    if type(values) not in {list, tuple} or not values:
        return False
    items: Iterable[object] = values  # type: ignore[assignment]
    return all(kind_owning(each) is not None for each in items)


def dump_object(value: object, path: str) -> dict[str, Any]:
    """Return the reference to an object that a kind owns.

    Raises:
        ValueError: if it has no key; the message names the path.
    """
    kind = kind_owning(value)
    if kind is None:
        raise ValueError(f"{path} is {value_name(value)}, which no integration can refer to")
    try:
        return {"kind": kind.name, **kind.dump(value)}
    except ValueError as error:
        raise ValueError(f"{path} is {value_name(value)}, which {error}") from None


def load_object(data: Any, session: Any) -> object:
    """Return the object that a reference names."""
    if type(data) is not dict:
        raise DecodingError("A reference is damaged. Discard the delivery, or restore the row.")
    members: dict[str, Any] = dict(data)  # pyright: ignore[reportUnknownArgumentType]
    return kind_named(members.pop("kind", None)).load(members, session)
