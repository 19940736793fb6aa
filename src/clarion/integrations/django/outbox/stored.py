"""How the sends of Django's model signals are stored.

The keywords come back equal and of the same type: a frozenset of names in `update_fields`, a set of
keys in `pk_set`, the `Changes` that a receiver has requested.

Receivers of `pre_delete` and `post_delete` get the instance as it was, because its row is gone when
they run. The origin of a deletion is an instance, or a queryset. A queryset comes back as an empty
queryset of its model, because the rows that it selected are gone too.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import QuerySet, signals

from clarion.envelope import KeywordConversion, register_reference_kind, store_by_type
from clarion.envelope.references import dump_object, load_object
from clarion.integrations.django.outbox.references import MODELS


def dump_origin(value: Any) -> Any:
    """Return the origin of a deletion as JSON.

    Raises:
        ValueError: if it is neither an instance nor a queryset.
    """
    if value is None:
        return None
    if isinstance(value, QuerySet):
        model: Any = value.model
        return {"queryset": MODELS.dump_class(model), "database": value.db}
    return {"object": dump_object(value, "origin", snapshot=True)}


def load_origin(data: Any, session: Any) -> Any:
    """Return the origin of a deletion from its JSON."""
    if data is None:
        return None
    if "queryset" in data:
        model = apps.get_model(data["queryset"])
        return model._base_manager.using(data["database"]).none()  # noqa: SLF001  # Django's
    return load_object(data["object"], session, "as sent")


ORIGIN = {"origin": KeywordConversion(dump_origin, load_origin)}


store_by_type(signals.pre_save, signals.post_save, signals.m2m_changed)
store_by_type(signals.pre_delete, signals.post_delete, as_sent=True, keywords=ORIGIN)
register_reference_kind(MODELS)
