"""The nine signals, with the keywords of Django 6.1.

`sender` is declared by keyword only, so that a type checker takes receivers that leave it to
their `**kwargs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.integrations.sqlalchemy import hooks
from clarion.integrations.sqlalchemy.kinds import sent_by

if TYPE_CHECKING:
    from sqlalchemy import Table


@sent_by(hooks.on_mapping)
def class_prepared(*, sender: type[Any]) -> None:
    """A class has been mapped; its relationships are not configured yet."""


@sent_by(hooks.on_instances)
def pre_init(*, sender: type[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """An instance is about to be made. What is changed in `kwargs` reaches its `__init__`."""


@sent_by(hooks.on_instances)
def post_init(*, sender: type[Any], instance: Any) -> None:
    """An instance has been made, or loaded from its row."""


@sent_by(hooks.on_flush)
def pre_save(
    *,
    sender: type[Any],
    instance: Any,
    raw: bool,
    using: str,
    update_fields: frozenset[str] | None,
) -> None:
    """A flush is about to insert or update an instance; what is changed in it is stored."""


@sent_by(hooks.on_flush)
def post_save(
    *,
    sender: type[Any],
    instance: Any,
    created: bool,
    update_fields: frozenset[str] | None,
    raw: bool,
    using: str,
) -> None:
    """A flush has inserted (`created`) or updated an instance."""


@sent_by(hooks.on_flush)
def pre_delete(*, sender: type[Any], instance: Any, using: str, origin: Any) -> None:
    """A flush is about to delete an instance, because `origin` is to be deleted."""


@sent_by(hooks.on_flush)
def post_delete(*, sender: type[Any], instance: Any, using: str, origin: Any) -> None:
    """A flush has deleted an instance."""


@sent_by(hooks.on_relationships)
def m2m_changed(
    *,
    sender: Table,
    action: str,
    instance: Any,
    reverse: bool,
    model: type[Any],
    pk_set: set[Any] | None,
    using: str,
    raw: bool,
) -> None:
    """A many-to-many relationship of an instance is about to change, or has changed."""


@sent_by(hooks.on_connection)
def connection_created(*, sender: type[Any], connection: Any) -> None:
    """A pool has opened a connection to a database."""
