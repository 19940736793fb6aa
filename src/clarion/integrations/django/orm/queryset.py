"""What stands in for QuerySet's methods while somebody listens to bulk writes.

Each calls the method that it stands in for, and tells what that has done.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.models import Case, QuerySet
from django.db.models.functions import Cast

from clarion.integrations.django.orm.bulk_signals import (
    DELETES,
    SAVES,
    post_bulk_delete,
    post_bulk_insert,
    post_bulk_update,
    warn,
)
from clarion.integrations.django.orm.method_hooks import MethodHooks

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping


def _bulk_create(
    original: Any, queryset: Any, /, objs: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    sender = queryset.model
    # An iterator is read twice: by Django, and by whoever is told.
    objs = objs if isinstance(objs, (list, tuple)) else list(objs)
    if objs:
        warn(sender, SAVES)
    if not objs or not post_bulk_insert.has_listeners(sender):
        return original(queryset, objs, *args, **kwargs)
    options = _options_of_bulk_create(*args, **kwargs)
    were_keyed = any(each._is_pk_set() for each in objs)
    created = original(queryset, objs, *args, **kwargs)
    on_conflict = _on_conflict(options)
    known = on_conflict is None or _is_keyed_anew(queryset, options, were_keyed=were_keyed)
    post_bulk_insert.send(
        sender=sender,
        criteria=None,
        # Django does not tell which of them the database has ignored.
        rowcount=None if on_conflict == "ignore" else len(objs),
        pk_set=_primary_keys(objs) if known else None,
        using=queryset.db,
        objs=tuple(objs),
        on_conflict=on_conflict,
    )
    return created


def _options_of_bulk_create(
    batch_size: int | None = None,  # noqa: ARG001
    ignore_conflicts: bool = False,  # noqa: FBT001, FBT002
    update_conflicts: bool = False,  # noqa: FBT001, FBT002
    update_fields: Iterable[str] | None = None,  # noqa: ARG001
    unique_fields: Iterable[str] | None = None,
) -> dict[str, Any]:
    return {
        "ignore": ignore_conflicts,
        "update": update_conflicts,
        "unique_fields": set(unique_fields or ()),
    }


def _on_conflict(options: Mapping[str, Any]) -> str | None:
    return next((name for name in ("ignore", "update") if options[name]), None)


def _is_keyed_anew(queryset: Any, options: Mapping[str, Any], *, were_keyed: bool) -> bool:
    """Tell whether the objects have their rows' keys, even those that were there before."""
    if options["ignore"]:
        return False
    meta = queryset.model._meta
    if options["unique_fields"] in ({"pk"}, {field.name for field in meta.pk_fields}):
        return True
    # A row that is updated keeps its own key, and an object that came with a key may keep
    # that: Django 5.2 does not read it back, and neither does any what it made in Python.
    returned = connections[queryset.db].features.can_return_rows_from_bulk_insert
    return returned and not were_keyed and {*meta.pk_fields} <= {*meta.db_returning_fields}


def _primary_keys(objs: Iterable[Any]) -> set[Any] | None:
    """Return the primary keys, or None if the database has not told all of them."""
    if all(each._is_pk_set() and not _is_computed(each) for each in objs):
        return {each.pk for each in objs}
    return None


def _is_computed(instance: Any) -> bool:
    """Tell whether (a part of) the key is an expression that the database has worked out."""
    parts = [getattr(instance, field.attname) for field in instance._meta.pk_fields]
    return any(hasattr(part, "resolve_expression") for part in parts)


# What `bulk_update` is about, of which each of its batches is an `update`.
_batched: ContextVar[tuple[Any, tuple[str, ...]] | None] = ContextVar("_batched", default=None)


@contextmanager
def _batches_of(sender: Any, names: tuple[str, ...]) -> Generator[None]:
    token = _batched.set((sender, names))
    try:
        yield
    finally:
        _batched.reset(token)


def _is_batch(sender: Any, values: Mapping[str, Any]) -> bool:
    """Tell whether an update is a batch, not one that an overridden `update` makes besides."""
    about = _batched.get()
    if about is None or about[0] is not sender:
        return False
    attributes = [sender._meta.get_field(name).attname for name in about[1]]
    return all(isinstance(values.get(name), (Case, Cast)) for name in attributes)


def _bulk_update(
    original: Any,
    queryset: Any,
    /,
    objs: Iterable[Any],
    fields: Iterable[str],
    *args: Any,
    **kwargs: Any,
) -> Any:
    sender, objs, names = queryset.model, tuple(objs), tuple(fields)
    if objs:
        warn(sender, SAVES)
    with _batches_of(sender, names):
        count = original(queryset, objs, names, *args, **kwargs)
    keys = _primary_keys(objs)
    _tell_update(
        queryset,
        count,
        # If fewer rows were written than objects given, nobody knows which.
        pk_set=keys if keys is not None and len(keys) == count else None,
        update_fields=frozenset(names),
        values=None,
        objs=objs,
    )
    return count


def _update(original: Any, queryset: Any, /, **values: Any) -> Any:
    if _is_batch(queryset.model, values):
        return original(queryset, **values)
    warn(queryset.model, SAVES)
    count = original(queryset, **values)
    _tell_update(
        queryset, count, pk_set=None, update_fields=frozenset(values), values=values, objs=None
    )
    return count


def _tell_update(queryset: Any, count: Any, **named: Any) -> None:
    sender = queryset.model
    if count == 0 or not post_bulk_update.has_listeners(sender):
        return
    # A copy: evaluating it must not fill the cache of the caller's.
    criteria, rowcount, using = queryset._chain(), _known(count), queryset.db
    post_bulk_update.send(sender=sender, criteria=criteria, rowcount=rowcount, using=using, **named)


def _raw_delete(original: Any, queryset: Any, /, using: str) -> Any:
    sender = queryset.model
    warn(sender, DELETES)
    count = original(queryset, using)
    if count != 0 and post_bulk_delete.has_listeners(sender):
        post_bulk_delete.send(
            sender=sender,
            criteria=queryset._chain(),
            rowcount=_known(count),
            pk_set=None,
            using=using,
        )
    return count


def _known(count: Any) -> int | None:
    # A driver that cannot tell says -1.
    return count if isinstance(count, int) and count >= 0 else None


hooks = MethodHooks(
    QuerySet,
    {
        "bulk_create": _bulk_create,
        "bulk_update": _bulk_update,
        "update": _update,
        "_raw_delete": _raw_delete,
    },
)
