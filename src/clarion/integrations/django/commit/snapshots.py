"""Instances as they were when they were sent, for receivers that run after the commit.

A receiver gets the sender's own object if nothing in it has changed since the send. It gets a copy
with the values of the send if the object was changed, refreshed, deleted or saved as another row.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.db.models.fields.files import FieldFile
from django.utils.functional import LazyObject, empty

from clarion.integrations.django.orm.rows import copy_value, differs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clarion.commit import PendingCall

_MISSING = object()
_INTERNAL = ("_state", "_prefetched_objects_cache")

# An attribute of the instance's `_state`: the `Insert` that the next save makes.
_INSERT = "clarion_insert"


def keep_instances(call: PendingCall) -> None:
    """Record the current values of the model instances among the keywords of a call."""
    kept: dict[str, Snapshot] = {}
    for name, value in call.arguments.items():
        if name != "sender" and (instance := _instance_of(value)) is not None:
            # Two keywords with the same object get the same copy.
            same = (each for each in kept.values() if each.instance is instance)
            kept[name] = next(same, None) or Snapshot(instance, call.registration)
    call.boundary_data = kept or None


def arguments_of(call: PendingCall) -> dict[str, Any]:
    """Return the arguments of a call, with the instances as they were sent."""
    return call.call_arguments(_arguments_as_sent)


def _arguments_as_sent(call: PendingCall) -> dict[str, Any]:
    kept: Mapping[str, Snapshot] = call.boundary_data or {}
    copies = {name: each.copy() for name, each in kept.items()}
    changed = {name: each for name, each in copies.items() if each is not None}
    return {**call.arguments, **changed}


def _instance_of(value: Any) -> Any:
    """Return a model instance, perhaps inside a lazy object such as `request.user`; or None."""
    kind = type(value)
    if issubclass(kind, LazyObject) and (wrapped := value.__dict__.get("_wrapped")) is not empty:
        value, kind = wrapped, type(wrapped)
    return value if issubclass(kind, Model) else None


class Insert:
    """The save that gives an object its key, as seen by the sends before it.

    Attributes:
        registrations: those whose receivers got a send of the object without a key.
    """

    __slots__ = ("registrations",)

    def __init__(self) -> None:
        self.registrations: set[object] = set()


class Snapshot:
    """The attributes of one instance at one send.

    Args:
        instance: the instance.
        registration: the registration of the receiver, which gets each send once.
    """

    __slots__ = ("_copy", "_insert", "_kept", "instance")

    def __init__(self, instance: Any, registration: object) -> None:
        self.instance = instance
        self._kept = _attributes(instance)
        self._insert = None if instance._is_pk_set() else _insert_of(instance, registration)
        self._copy: Any = _MISSING

    def copy(self) -> Any:
        """Return a copy as of the send; None if the instance has not changed since."""
        if self._copy is _MISSING:
            if self._is_saved_since():
                self._complete()
            self._copy = _restored(self.instance, self._kept) if self._is_changed() else None
        return self._copy

    def _is_saved_since(self) -> bool:
        """Return whether the instance was saved by the insert that followed the send."""
        now = self.instance._state
        return self._insert is not None and now.__dict__.get(_INSERT) is self._insert

    def _complete(self) -> None:
        """Add what a save assigns: the key, times, generated values and names of files."""
        if not self.instance._is_pk_set():
            return
        for field in self.instance._meta.concrete_fields:
            value = self._kept.get(field.attname, _MISSING)
            if field.attname in self.instance.__dict__ and _is_assigned_by_save(
                self.instance, field, value
            ):
                self._kept[field.attname] = _keep(self.instance.__dict__[field.attname])
        now, state = self.instance._state, self._kept["_state"]
        state.adding, state.db = now.adding, now.db

    def _is_changed(self) -> bool:
        kept, now = self._kept["_state"], self.instance._state
        return (
            (kept.db, kept.adding) != (now.db, now.adding)
            or _is_unequal(self.instance, self._kept)
            or _has_other_relations(kept.fields_cache, now.fields_cache)
        )


def _insert_of(instance: Any, registration: object) -> Insert:
    """Return the insert that follows this send.

    A receiver gets one send before each insert, so a second send belongs to another insert.
    """
    insert = instance._state.__dict__.get(_INSERT)
    if insert is None or registration in insert.registrations:
        insert = Insert()
        setattr(instance._state, _INSERT, insert)
    insert.registrations.add(registration)
    return insert


def _attributes(instance: Any) -> dict[str, Any]:
    kept: dict[str, Any] = instance.__dict__.copy()
    for field in instance._meta.concrete_fields:
        if field.attname in kept:
            kept[field.attname] = _keep(kept[field.attname])
    kept["_state"] = _copy_state(instance._state)
    if "_prefetched_objects_cache" in kept:
        kept["_prefetched_objects_cache"] = kept["_prefetched_objects_cache"].copy()
    return kept


def _keep(value: Any) -> Any:
    if not isinstance(value, FieldFile):
        return copy_value(value)
    kept = copy(value)  # it refers to its object, which a deep copy would include
    kept._committed = value._committed  # noqa: SLF001  # Django's
    return kept


def _copy_state(state: Any) -> Any:
    copied = copy(state)
    copied.fields_cache = state.fields_cache.copy()
    return copied


def _restored(instance: Any, kept: dict[str, Any]) -> Any:
    restored = instance.__class__.__new__(instance.__class__)
    restored.__dict__.update(kept)
    return restored


def _is_assigned_by_save(instance: Any, field: Any, value: Any) -> bool:
    return (
        field in instance._meta.pk_fields
        or getattr(field, "auto_now", False)
        or getattr(field, "auto_now_add", False)
        or getattr(field, "generated", False)
        or hasattr(value, "resolve_expression")
        or not getattr(value, "_committed", True)
    )


def _is_unequal(instance: Any, kept: Mapping[str, Any]) -> bool:
    """Return whether an attribute differs now from what was kept."""
    now, relations = instance.__dict__, kept["_state"].fields_cache
    columns = {field.attname: field for field in instance._meta.concrete_fields}
    for name, field in columns.items():
        related = relations.get(field.name)
        if related is not None and related is instance._state.fields_cache.get(field.name):
            continue  # the key of an unsaved object, which was saved since
        if (name in now) != (name in kept):
            return True
        if name in kept and differs(instance, name, kept[name], now[name]):
            return True
    return any(
        now.get(name, value) is not value and not _is_equal(now[name], value)
        for name, value in kept.items()
        if name not in columns and name not in _INTERNAL
    )


def _is_equal(one: Any, other: Any) -> bool:
    try:
        return type(one) is type(other) and bool(one == other)
    except Exception:  # noqa: BLE001  # user code may raise anything
        return False


def _has_other_relations(kept: dict[str, Any], now: dict[str, Any]) -> bool:
    """Return whether a related object was replaced by another one, perhaps an unsaved one."""
    return any(
        (current := now.get(name, related)) is not related and not _is_equal(current, related)
        for name, related in kept.items()
    )
