"""Instances of models as references: the label of the model, the key and the database.

    {"kind": "django", "model": "shop.Order", "pk": 5, "database": "default"}

A receiver gets the row as it is when the receiver runs, through the base manager of the model, so
that rows which the default manager hides are found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.apps import apps
from django.db import connections, router
from django.db.models import Model
from django.utils.functional import LazyObject

from clarion._core.names import quoted_name
from clarion.envelope import GoneError
from clarion.errors import DecodingError
from clarion.integrations.django.outbox.snapshots import (
    dump_value,
    dump_values,
    load_value,
    load_values,
)

if TYPE_CHECKING:
    from typing import TypeGuard


class ModelReferences:
    """The kind of reference to instances of Django's models."""

    name = "django"

    def owns(self, value: object) -> bool:
        """Return whether a value is an instance, perhaps inside a lazy object."""
        return isinstance(value, Model)

    def owns_class(self, kind: type) -> bool:
        """Return whether a class is a model."""
        return _is_model(kind)

    def dump(self, value: Any) -> dict[str, Any]:
        """Return the model, the key and the database of an instance.

        Raises:
            ValueError: if it is not saved, or its key is incomplete.
        """
        value = _unwrapped(value)
        if value._state.adding:
            raise ValueError("is not saved; save it first, or connect the receiver to post_save")
        if not value._is_pk_set():
            raise ValueError("has no key, because it was deleted, or its key was set to None")
        fields = value._meta.pk_fields
        keys = [dump_value(value, field) for field in fields]
        return {
            "model": value._meta.label,
            "pk": keys[0] if len(fields) == 1 else keys,
            # The database that is written to: a replica may not have the row yet.
            "database": router.db_for_write(value._meta.model, instance=value),
        }

    def identity(self, reference: dict[str, Any]) -> dict[str, Any]:
        """Return the reference by the model of the table, because an instance of a proxy is equal."""
        model = _model_of(reference)
        # As text, because the key of an instance may be the text that a URL has given.
        key = str(_key_of(model, reference))
        return {**reference, "model": model._meta.concrete_model._meta.label, "pk": key}

    def load(self, data: dict[str, Any], session: Any) -> object:  # noqa: ARG002
        """Load the instance from its row, through this thread's connection.

        Raises:
            GoneError: if its row does not exist.
            LookupError: if its model does not exist.
        """
        model, alias = _model_of(data), _alias_of(data)
        key = _key_of(model, data)
        try:
            return model._base_manager.using(alias).get(pk=key)  # noqa: SLF001  # Django's
        except model.DoesNotExist:
            raise GoneError(
                f"The {model._meta.label} of a stored send is gone. The option missing= of the "
                f"receiver's delivery says what happens then."
            ) from None

    def snapshot(self, value: Any) -> Any:
        """Return the values of the fields that are loaded.

        Raises:
            ValueError: if a value cannot be stored.
        """
        return dump_values(_unwrapped(value))

    def restore(self, data: dict[str, Any], snapshot: Any, session: Any) -> object:  # noqa: ARG002
        """Return the instance as it was.

        Raises:
            LookupError: if its model does not exist.
        """
        model, alias = _model_of(data), _alias_of(data)
        try:
            return load_values(model, dict(snapshot), alias)
        except (ValueError, TypeError):
            raise _damaged() from None

    def dump_class(self, kind: type) -> str:
        """Return the label of a model.

        Raises:
            ValueError: if it is abstract, or not of this program, such as the models of a migration.
        """
        label = str(cast("Any", kind)._meta.label)
        try:
            is_known = apps.get_model(label) is kind
        except LookupError:
            is_known = False
        if not is_known:
            raise ValueError(f"the model {label} is abstract, or is not one of the program's apps")
        return label

    def load_class(self, name: str) -> type:
        """Return the model with this label.

        Raises:
            LookupError: if the program has no such model.
        """
        try:
            model: type = apps.get_model(name)
        except ValueError:  # not a label
            raise LookupError(name) from None
        return model


def _unwrapped(value: Any) -> Any:
    """Return the instance inside a lazy object, such as `request.user`."""
    if not issubclass(type(value), LazyObject):
        return value
    value._meta  # loads it  # noqa: B018
    return value.__dict__["_wrapped"]


def _is_model(kind: type) -> TypeGuard[type[Model]]:
    return issubclass(kind, Model)


def _model_of(data: dict[str, Any]) -> Any:
    try:
        return apps.get_model(data["model"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _damaged() from None


def _alias_of(data: dict[str, Any]) -> str:
    alias = data.get("database")
    databases: Any = connections.settings
    if not isinstance(alias, str) or alias not in databases:
        raise DecodingError(
            f"A stored send refers to a row in the database {quoted_name(alias)}, which this program "
            f"does not have. Add it to DATABASES in the worker."
        )
    return alias


def _key_of(model: Any, data: dict[str, Any]) -> Any:
    fields, pk = model._meta.pk_fields, data.get("pk")
    parts: Any = pk if len(fields) > 1 and type(pk) is list else [pk]
    try:
        keys = [load_value(field, part) for field, part in zip(fields, parts, strict=True)]
    except ValueError:
        raise _damaged() from None
    return tuple(keys) if len(fields) > 1 else keys[0]


def _damaged() -> DecodingError:
    return DecodingError(
        "A reference to an instance of a model is damaged, or of an older version of the model. "
        "Discard the delivery."
    )


MODELS = ModelReferences()
