"""The nine signals, with the keywords of Django 6.1.

What a receiver is told of the program's own is declared as `Never`: that is the one type which
lets a receiver say `instance: Order` under every checker and still refuses a send by hand, which
is the session's to do. `sender` is declared by keyword only, so that receivers may leave it to
their `**kwargs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion.integrations.sqlalchemy import hooks, senders
from clarion.integrations.sqlalchemy.model_signal import saved_by, sent_by

if TYPE_CHECKING:
    from typing import Never as Anything

    from clarion.changes import Changes


@sent_by(hooks.on_mapping)
def class_prepared(*, sender: Anything) -> None:
    """A class has been mapped; its relationships are not configured yet."""


@sent_by(hooks.on_instances)
def pre_init(*, sender: Anything, args: Anything, kwargs: Anything) -> None:
    """An instance is about to be made. What is changed in `kwargs` reaches its `__init__`."""


@sent_by(hooks.on_instances)
def post_init(*, sender: Anything, instance: Anything) -> None:
    """An instance has been made, or loaded from its row."""


def _pre_save_and_changes(
    *,
    sender: Anything,
    instance: Anything,
    raw: bool,
    using: str,
    update_fields: frozenset[str] | None,
    changes: Changes,
) -> None: ...


@saved_by(hooks.on_flush, _pre_save_and_changes)
def pre_save(
    *,
    sender: Anything,
    instance: Anything,
    raw: bool,
    using: str,
    update_fields: frozenset[str] | None,
) -> None:
    """A flush is about to insert or update an instance; what is changed in it is stored."""


def _post_save_and_changes(
    *,
    sender: Anything,
    instance: Anything,
    created: bool,
    update_fields: frozenset[str] | None,
    raw: bool,
    using: str,
    changes: Changes,
) -> None: ...


@saved_by(hooks.on_flush, _post_save_and_changes)
def post_save(
    *,
    sender: Anything,
    instance: Anything,
    created: bool,
    update_fields: frozenset[str] | None,
    raw: bool,
    using: str,
) -> None:
    """A flush has inserted (`created`) or updated an instance."""


@sent_by(hooks.on_flush)
def pre_delete(*, sender: Anything, instance: Anything, using: str, origin: Anything) -> None:
    """A flush is about to delete an instance, because `origin` is to be deleted."""


@sent_by(hooks.on_flush)
def post_delete(*, sender: Anything, instance: Anything, using: str, origin: Anything) -> None:
    """A flush has deleted an instance."""


@sent_by(hooks.on_relationships, check=senders.check_table)
def m2m_changed(
    *,
    sender: Anything,
    action: str,
    instance: Anything,
    reverse: bool,
    model: Anything,
    pk_set: Anything,
    using: str,
    raw: bool,
) -> None:
    """A many-to-many relationship of an instance is about to change, or has changed."""


@sent_by(hooks.on_connection)
def connection_created(*, sender: Anything, connection: Anything) -> None:
    """A pool has opened a connection to a database."""
