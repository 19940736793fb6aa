"""Replacements of QuerySet's methods, which send the signals of bulk writes.

Each calls the method that it replaces, and sends a signal with what the method has written.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.models import Case
from django.db.models.functions import Cast

from clarion.integrations.django.orm.bulk_warnings import DELETE_SIGNALS, SAVE_SIGNALS, warn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping


class BulkMethods:
    """The replacements, by the signals that they send.

    Args:
        inserted: the signal of `bulk_create`.
        updated: the signal of `bulk_update` and `update`.
        deleted: the signal of deletes that load no objects.
    """

    def __init__(self, inserted: Any, updated: Any, deleted: Any) -> None:
        self._inserted = inserted
        self._updated = updated
        self._deleted = deleted

    def by_name(self) -> dict[str, Callable[..., Any]]:
        """Return the replacements by the name of the method."""
        return {
            "bulk_create": self._bulk_create,
            "bulk_update": self._bulk_update,
            "update": self._update,
            "_raw_delete": self._raw_delete,
        }

    def _bulk_create(
        self, original: Any, queryset: Any, /, objs: Iterable[Any], *args: Any, **kwargs: Any
    ) -> Any:
        sender = queryset.model
        # An iterator would be empty after Django has read it.
        objs = objs if isinstance(objs, (list, tuple)) else list(objs)
        if objs:
            warn(sender, SAVE_SIGNALS)
        if not objs or not self._inserted.has_listeners(sender):
            return original(queryset, objs, *args, **kwargs)
        options = _bulk_create_options(*args, **kwargs)
        had_keys = any(each._is_pk_set() for each in objs)
        created = original(queryset, objs, *args, **kwargs)
        on_conflict = _on_conflict(options)
        has_row_keys = on_conflict is None or _reads_keys(queryset, options, had_keys=had_keys)
        self._inserted.send(
            sender=sender,
            criteria=None,
            # Django does not report which rows the database has ignored.
            rowcount=None if on_conflict == "ignore" else len(objs),
            pk_set=_primary_keys(objs) if has_row_keys else None,
            using=queryset.db,
            objs=tuple(objs),
            on_conflict=on_conflict,
        )
        return created

    def _bulk_update(
        self,
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
            warn(sender, SAVE_SIGNALS)
        with _bulk_update_of(sender, names):
            count = original(queryset, objs, names, *args, **kwargs)
        keys = _primary_keys(objs)
        self._send_update(
            queryset,
            count,
            # If fewer rows were written than objects given, it is unknown which.
            pk_set=keys if keys is not None and len(keys) == count else None,
            update_fields=frozenset(names),
            values=None,
            objs=objs,
        )
        return count

    def _update(self, original: Any, queryset: Any, /, **values: Any) -> Any:
        if _is_batch(queryset.model, values):
            return original(queryset, **values)
        warn(queryset.model, SAVE_SIGNALS)
        count = original(queryset, **values)
        self._send_update(
            queryset, count, pk_set=None, update_fields=frozenset(values), values=values, objs=None
        )
        return count

    def _send_update(self, queryset: Any, count: Any, **kwargs: Any) -> None:
        sender = queryset.model
        if count == 0 or not self._updated.has_listeners(sender):
            return
        # A copy, because evaluating it must not fill the cache of the caller's queryset.
        criteria, rowcount, using = queryset._chain(), _rowcount(count), queryset.db
        self._updated.send(
            sender=sender, criteria=criteria, rowcount=rowcount, using=using, **kwargs
        )

    def _raw_delete(self, original: Any, queryset: Any, /, using: str) -> Any:
        sender = queryset.model
        warn(sender, DELETE_SIGNALS)
        count = original(queryset, using)
        if count != 0 and self._deleted.has_listeners(sender):
            self._deleted.send(
                sender=sender,
                criteria=queryset._chain(),
                rowcount=_rowcount(count),
                pk_set=None,
                using=using,
            )
        return count


def _bulk_create_options(
    batch_size: int | None = None,  # noqa: ARG001
    ignore_conflicts: bool = False,  # noqa: FBT001, FBT002
    update_conflicts: bool = False,  # noqa: FBT001, FBT002
    update_fields: Iterable[str] | None = None,  # noqa: ARG001
    unique_fields: Iterable[str] | None = None,
) -> dict[str, Any]:
    # The parameters of Django's method.
    return {
        "ignore": ignore_conflicts,
        "update": update_conflicts,
        "unique_fields": set(unique_fields or ()),
    }


def _on_conflict(options: Mapping[str, Any]) -> str | None:
    return next((name for name in ("ignore", "update") if options[name]), None)


def _reads_keys(queryset: Any, options: Mapping[str, Any], *, had_keys: bool) -> bool:
    """Return whether the objects have their rows' keys after the write."""
    if options["ignore"]:
        return False
    meta = queryset.model._meta
    if options["unique_fields"] in ({"pk"}, {field.name for field in meta.pk_fields}):
        return True
    # An updated row keeps its own key, while an object that had a key may keep another one.
    # Django 5.2 does not read it back, and no Django reads a key that was made in Python.
    returned = connections[queryset.db].features.can_return_rows_from_bulk_insert
    return returned and not had_keys and {*meta.pk_fields} <= {*meta.db_returning_fields}


def _primary_keys(objs: Iterable[Any]) -> set[Any] | None:
    """Return the primary keys, or None if any of them is unknown."""
    if all(each._is_pk_set() and not _has_computed_key(each) for each in objs):
        return {each.pk for each in objs}
    return None


def _has_computed_key(instance: Any) -> bool:
    """Return whether the key, or a part of it, is an expression."""
    parts = [getattr(instance, field.attname) for field in instance._meta.pk_fields]
    return any(hasattr(part, "resolve_expression") for part in parts)


# The model and the fields of the `bulk_update` that is running. It calls `update` for each batch.
_running: ContextVar[tuple[Any, tuple[str, ...]] | None] = ContextVar(
    "clarion_bulk_update", default=None
)


@contextmanager
def _bulk_update_of(sender: Any, names: tuple[str, ...]) -> Generator[None]:
    token = _running.set((sender, names))
    try:
        yield
    finally:
        _running.reset(token)


def _is_batch(sender: Any, values: Mapping[str, Any]) -> bool:
    """Return whether an update is a batch of the running `bulk_update`."""
    running = _running.get()
    if running is None or running[0] is not sender:
        return False
    # An overridden `update` may make other updates of the same model.
    attributes = [sender._meta.get_field(name).attname for name in running[1]]
    return all(isinstance(values.get(name), (Case, Cast)) for name in attributes)


def _rowcount(count: Any) -> int | None:
    # A driver returns -1 if it does not know.
    return count if isinstance(count, int) and count >= 0 else None
