"""References: objects of a database, stored as their key.

An instance of a model is not copied into a payload. The payload holds its model, its primary key
and its database. The receiver gets the row as it is when the receiver runs. An integration
registers one `ReferenceKind` for its framework. A program can register kinds for other stores.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from clarion._core.names import quoted_name, value_name
from clarion.envelope.plain import SCALARS
from clarion.envelope.registry import Registry
from clarion.errors import ClarionError, DecodingError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeGuard

SNAPSHOT = "snapshot"  # the key of the values in a reference
SESSION = "session"  # the keyword by which a send names its session


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


class SnapshotKind(ReferenceKind, Protocol):
    """A kind that can also store an object with its values, for a row that may be gone later."""

    def snapshot(self, value: Any) -> Any:
        """Return the values of an object, as JSON.

        Raises:
            ValueError: if a value cannot be stored; the message says so in a few words.
        """
        ...

    def restore(self, data: dict[str, Any], snapshot: Any, session: Any) -> object:
        """Return the object as it was, without reading its row.

        Args:
            data: what `dump` returned.
            snapshot: what `snapshot` returned.
            session: the session or connection of the receiver, or None.

        Raises:
            LookupError: if its model does not exist.
        """
        ...


class SessionKind(ReferenceKind, Protocol):
    """A kind whose framework has sessions, which are never stored."""

    def is_session(self, value: object) -> bool:
        """Return whether a value is a session, in whose place a worker passes its own."""
        ...

    def is_session_class(self, kind: type) -> bool:
        """Return whether the instances of a class are sessions."""
        ...


class BaseKind(ReferenceKind, Protocol):
    """A kind whose models have bases that are no models, and that a keyword may be annotated with."""

    def owns_base(self, kind: type) -> bool:
        """Return whether a class is such a base, so that a value of it is a model's object."""
        ...


class EnumerationKind(ReferenceKind, Protocol):
    """A kind whose columns have members of enumerations, which come back as members."""

    def enumerations(self) -> list[type]:
        """Return the enumerations of the columns of the program."""
        ...


class IdentityKind(ReferenceKind, Protocol):
    """A kind that has several references to the same row, such as by a proxy of its model."""

    def identity(self, reference: dict[str, Any]) -> dict[str, Any]:
        """Return what is equal for each reference to the row, as JSON."""
        ...


kinds: Registry[str, ReferenceKind] = Registry()


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


def is_owned_annotation(value: object) -> bool:
    """Return whether an annotation is a class whose objects a kind owns, or a base of such classes."""
    if kind_owning_class(value) is not None:
        return True
    return isinstance(value, type) and any(
        kind.owns_base(value) for kind in kinds.values() if _has_bases(kind)
    )


def owned_subclass(value: object) -> type | None:
    """Return a model that derives from a class, such as a mixin; None if none does."""
    if not isinstance(value, type):
        return None
    derived: list[type] = type.__subclasses__(value)
    for each in derived:
        found = each if kind_owning_class(each) is not None else owned_subclass(each)
        if found is not None:
            return found
    return None


def is_session(value: object) -> bool:
    """Return whether a value is a session of a framework, in whose place a worker passes its own."""
    return any(kind.is_session(value) for kind in kinds.values() if _has_sessions(kind))


def is_session_class(annotation: object) -> bool:
    """Return whether an annotation is a class of sessions, or a union with one."""
    parts = [annotation, *getattr(annotation, "__args__", ())]
    return any(
        kind.is_session_class(part)
        for kind in kinds.values()
        if _has_sessions(kind)
        for part in parts
        if isinstance(part, type)
    )


def enumeration_classes() -> list[Any]:
    """Return the enumerations of the columns of all kinds."""
    return [
        each for kind in kinds.values() if _has_enumerations(kind) for each in kind.enumerations()
    ]


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
    """Return whether this is a list or tuple of objects or models that are stored as references.

    None may be among them.
    """
    if type(values) not in {list, tuple} or not values:
        return False
    items: Iterable[object] = values  # type: ignore[assignment]
    present = (each for each in items if each is not None)
    return next(map(_is_owned, present), False) and all(map(_is_owned, present))


def _is_owned(value: object) -> bool:
    if type(value) in SCALARS:
        return False
    return kind_owning(value) is not None or kind_owning_class(value) is not None


def dump_object(value: object, path: str, *, snapshot: bool = False) -> dict[str, Any]:
    """Return the reference to an object that a kind owns.

    Args:
        value: the object.
        path: its name in an error.
        snapshot: whether to add its values.

    Raises:
        ValueError: if it has no key, or a value cannot be stored; the message names the path.
    """
    kind = kind_owning(value)
    if kind is None:
        raise ValueError(f"{path} is {value_name(value)}, which no integration can refer to")
    try:
        reference = {"kind": kind.name, **kind.dump(value)}
        if snapshot and _takes_snapshots(kind):
            reference[SNAPSHOT] = kind.snapshot(value)
    except ValueError as error:
        raise ValueError(f"{path} is {value_name(value)}, which {error}") from None
    return reference


def dump_identity(value: object, path: str) -> dict[str, Any]:
    """Return what is equal for equal objects, as JSON; the arguments are those of `dump_object`."""
    reference, kind = dump_object(value, path), kind_owning(value)
    if kind is not None and _has_identity(kind):
        return kind.identity(reference)
    return reference


def load_object(data: Any, session: Any, missing: str = "fail") -> object:
    """Return the object that a reference names.

    Args:
        data: the reference.
        session: the session or connection of the receiver, or None.
        missing: "fail" to load its row; "snapshot" to use the snapshot if the row is gone;
            "as sent" to use the snapshot, and not to look for the row.

    Raises:
        GoneError: if its row is gone, and there is no snapshot to use.
        DecodingError: if the reference is damaged, or its model is not one of this program.
    """
    if type(data) is not dict:
        raise DecodingError("A reference is damaged. Discard the delivery, or restore the row.")
    members: dict[str, Any] = dict(data)  # pyright: ignore[reportUnknownArgumentType]
    kind, snapshot = kind_named(members.pop("kind", None)), members.pop(SNAPSHOT, None)
    restore = None
    if snapshot is not None and missing != "fail" and _takes_snapshots(kind):
        restore = partial(kind.restore, members, snapshot, session)
    try:
        if restore is not None and missing == "as sent":
            return restore()
        return kind.load(members, session)
    except GoneError:
        if restore is None:
            raise
        return restore()
    except LookupError as error:
        reason = str(error).rstrip(".")  # Django's texts end with a period
        raise DecodingError(
            f"A reference names a model that is not one of this program: {reason}. Import its module "
            f"in the worker."
        ) from None


def _takes_snapshots(kind: ReferenceKind) -> TypeGuard[SnapshotKind]:
    return hasattr(kind, "snapshot")


def _has_bases(kind: ReferenceKind) -> TypeGuard[BaseKind]:
    return hasattr(kind, "owns_base")


def _has_identity(kind: ReferenceKind) -> TypeGuard[IdentityKind]:
    return hasattr(kind, "identity")


def _has_sessions(kind: ReferenceKind) -> TypeGuard[SessionKind]:
    return hasattr(kind, "is_session")


def _has_enumerations(kind: ReferenceKind) -> TypeGuard[EnumerationKind]:
    return hasattr(kind, "enumerations")


def dump_class(kind: Any) -> dict[str, str]:
    """Return a class that a kind owns, as JSON."""
    owner = kind_owning_class(kind)
    if owner is None:
        raise ValueError(f"is {value_name(kind)}, which no integration can refer to")
    return {"kind": owner.name, "name": owner.dump_class(kind)}


def load_class(data: dict[str, Any]) -> type:
    """Return the class that `dump_class` stored.

    Raises:
        DecodingError: if this program does not have it.
    """
    name = data["name"]
    try:
        return kind_named(data["kind"]).load_class(name)
    except LookupError:
        raise DecodingError(
            f"The class {quoted_name(name)} is no model of this program. Import its module in the "
            f"worker."
        ) from None
