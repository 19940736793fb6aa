"""`track_m2m`: the keys that a clear or a deletion removes from a many-to-many relation.

Django sends `m2m_changed` for a clear with `pk_set=None`, and sends nothing when the deletion of an
object removes its rows. In both cases, the keys have to be queried, so a relation has to opt in.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import signals
from django.db.models.fields.related import ManyToManyField, lazy_related_operation

from clarion._core.instrument import Instrument, attach
from clarion._core.names import value_name
from clarion._core.tabled import table_of
from clarion.errors import ArgumentError
from clarion.integrations.django.dispatch.install import add_install_hooks, is_installed

if TYPE_CHECKING:
    from clarion._core.instrument import Send

# As Any, because Django's types know none of Clarion's arguments.
m2m_changed: Any = signals.m2m_changed
pre_delete: Any = signals.pre_delete
post_delete: Any = signals.post_delete

_REMOVED = "clarion_removed_links"  # an attribute of the instance's `_state`


def track_m2m(relation: Any, *, deletions: bool = False) -> None:
    """Give receivers of `m2m_changed` the keys that a clear removes, in `pk_set`.

    It takes one query for each clear, if a receiver listens. Calling it again changes nothing.

    Args:
        relation: the relation, from either side: `Book.authors`. For a relation whose `through` is
            a model of yours, too.
        deletions: whether the deletion of an object sends `pre_clear` and `post_clear` for the links
            that it removes. Django then loads the objects that it deletes, as for any receiver
            of `pre_delete`.

    Raises:
        ArgumentError: if it is no many-to-many relation.
    """
    field = getattr(relation, "field", relation)
    if not isinstance(field, ManyToManyField):
        raise ArgumentError(
            f"track_m2m() was given {value_name(relation)}, which is no many-to-many relation. Give "
            f"it the attribute of the model, such as Book.authors.",
            ["relation"],
        )
    rel: Any = field.remote_field
    lazy_related_operation(partial(_track, field, deletions), field.model, rel.model, rel.through)


class Links:
    """The rows of one relation.

    Args:
        field: its field.

    Attributes:
        field: its field.
        through: the model of its rows.
        sends_deletions: whether deletions of objects send signals.
    """

    def __init__(self, field: Any) -> None:
        self.field = field
        self.through: Any = field.remote_field.through
        self.sends_deletions = False

    def keys(self, instance: Any, using: str, *, reverse: bool, is_clear: bool) -> set[Any]:
        """Return the keys that a clear, or the deletion of an object, removes.

        Args:
            instance: the object whose links are removed.
            using: the alias of the database.
            reverse: whether it is at the end that the field refers to.
            is_clear: whether the default manager of the other end limits what is removed.
        """
        names = self.field.m2m_field_name(), self.field.m2m_reverse_field_name()
        mine, other = reversed(names) if reverse else names
        found = self._select(mine, other, instance, using, is_clear=is_clear, reverse=reverse)
        if self.field.remote_field.symmetrical:
            found |= self._select(other, mine, instance, using, is_clear=is_clear, reverse=reverse)
        return found

    def _select(
        self, mine: str, other: str, instance: Any, using: str, *, is_clear: bool, reverse: bool
    ) -> set[Any]:
        meta: Any = self.through._meta
        column, other_column = meta.get_field(mine), meta.get_field(other)
        value = column.get_foreign_related_value(instance)[0]
        # In Django, `clear` uses the default manager, and a deletion the base manager.
        manager = meta.default_manager if is_clear else meta.base_manager
        rows = manager.using(using).filter(**{column.attname: value})
        allowed = self.model(reverse=reverse)._meta.default_manager.using(using)
        if is_clear and allowed.query.has_filters():
            rows = rows.filter(**{f"{other}__in": allowed})
        return set(rows.values_list(other_column.attname, flat=True)) - {None}

    def model(self, *, reverse: bool) -> Any:
        """Return the model whose keys are reported."""
        return self.field.model if reverse else self.field.remote_field.model

    def is_deleted_with(self, *, reverse: bool) -> bool:
        """Return whether the deletion of an object deletes its rows."""
        name = self.field.m2m_reverse_field_name() if reverse else self.field.m2m_field_name()
        column: Any = self.through._meta.get_field(name)
        # The second one is new in Django 6.1.
        cascades = models.CASCADE, getattr(models, "DB_CASCADE", None)
        return column.remote_field.on_delete in cascades


# By the model of the rows, which is the sender of `m2m_changed`.
_tracked: dict[Any, Links] = {}


def _track(field: Any, deletions: bool, *_: Any) -> None:  # noqa: FBT001
    links = _tracked.setdefault(field.remote_field.through, Links(field))
    if links.field is not field:
        raise ArgumentError(
            f"track_m2m() was given a second relation whose rows are in {links.through.__qualname__}, "
            f"and m2m_changed does not say which one it is sent for. Track one of them.",
            ["relation"],
        )
    links.sends_deletions = links.sends_deletions or deletions
    if is_installed():
        _begin()


class RemovedKeys(Instrument):
    """Adds the keys to the sends for a clear."""

    def began(self, send: Send) -> None:
        """Read the keys before a clear, and repeat them after it."""
        links, arguments = _tracked.get(send.sender), send.arguments
        action = arguments.get("action")
        if links is None or action not in {"pre_clear", "post_clear"}:
            return
        if arguments.get("pk_set") is not None:
            return
        instance, using, reverse = (arguments[name] for name in ("instance", "using", "reverse"))
        if action == "post_clear":
            found = _take(instance, links, using, reverse=reverse)
        elif send.signal.has_listeners(send.sender):
            found = links.keys(instance, using, reverse=reverse, is_clear=True)
            _keep(found, instance, links, using, reverse=reverse)
        else:
            found = None
        arguments["pk_set"] = None if found is None else {*found}


def _keep(found: set[Any], instance: Any, links: Links, using: str, *, reverse: bool) -> None:
    kept = instance._state.__dict__.setdefault(_REMOVED, {})
    kept[links.through, using, reverse] = found


def _take(instance: Any, links: Links, using: str, *, reverse: bool) -> set[Any] | None:
    kept: dict[Any, set[Any]] = instance._state.__dict__.get(_REMOVED, {})
    found = kept.pop((links.through, using, reverse), None)
    if not kept:
        instance._state.__dict__.pop(_REMOVED, None)
    return found


_removed_keys = RemovedKeys()


def _send_pre_clear(links: Links, reverse: bool, instance: Any, using: str, **_: Any) -> None:  # noqa: FBT001
    if m2m_changed.has_listeners(links.through):
        found = links.keys(instance, using, reverse=reverse, is_clear=False)
        if found:
            _send(links, "pre_clear", instance, using, found, reverse=reverse)
            _keep(found, instance, links, using, reverse=reverse)


def _send_post_clear(links: Links, reverse: bool, instance: Any, using: str, **_: Any) -> None:  # noqa: FBT001
    found = _take(instance, links, using, reverse=reverse)
    if found:
        _send(links, "post_clear", instance, using, found, reverse=reverse)


def _send(
    links: Links, action: str, instance: Any, using: str, found: set[Any], *, reverse: bool
) -> None:
    m2m_changed.send(
        sender=links.through,
        action=action,
        instance=instance,
        reverse=reverse,
        model=links.model(reverse=reverse),
        pk_set={*found},
        using=using,
        **_RAW,
    )


# Django sends this keyword since 6.1.
_RAW: dict[str, Any] = {"raw": False} if hasattr(models, "DB_CASCADE") else {}


def _begin() -> None:
    """Watch the relations that are tracked."""
    if _tracked and _removed_keys not in table_of(m2m_changed).instruments:
        attach(_removed_keys, m2m_changed)
    for links, reverse in _sides():
        for signal, send in ((pre_delete, _send_pre_clear), (post_delete, _send_post_clear)):
            signal.connect(
                partial(send, links, reverse),
                sender=links.model(reverse=not reverse),
                weak=False,
                dispatch_uid=_uid(links, reverse=reverse),
                subclasses=True,
            )


def _end() -> None:
    """Stop watching; without Clarion, Django's own sends stay as they are."""
    for links, reverse in _sides():
        for signal in (pre_delete, post_delete):
            signal.disconnect(
                sender=links.model(reverse=not reverse), dispatch_uid=_uid(links, reverse=reverse)
            )


def _sides() -> list[tuple[Links, bool]]:
    """Return the ends of the relations whose deletions send signals."""
    return [
        (links, reverse)
        for links in _tracked.values()
        if links.sends_deletions
        for reverse in (False, True)
        if links.is_deleted_with(reverse=reverse)
        and not (reverse and links.field.remote_field.symmetrical)
    ]


def _uid(links: Links, *, reverse: bool) -> str:
    return f"clarion.track_m2m {links.through._meta.label} {reverse}"


add_install_hooks(_begin, _end)
