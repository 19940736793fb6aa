"""The signals: those of Django 6.1, with its keywords, and those of bulk writes.

Values of the program's own types are declared as `Never`. Only that type lets a receiver say
`instance: Order` under every checker, and still refuses a send by user code. `sender` is
declared as keyword only, so that receivers may leave it to their `**kwargs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion.integrations.sqlalchemy.model_signal import (
    class_signal,
    delete_signal,
    driver_signal,
    prepared_signal,
    save_signal,
    table_signal,
)

if TYPE_CHECKING:
    from typing import Never as Anything

    from clarion.changes import Changes


@prepared_signal
def class_prepared(*, sender: Anything) -> None:
    """A class has been mapped; its relationships are not configured yet."""


@class_signal
def pre_init(*, sender: Anything, args: Anything, kwargs: Anything) -> None:
    """An instance is about to be made. Its `__init__` receives changes of `kwargs`."""


@class_signal
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


@save_signal(_pre_save_and_changes)
def pre_save(
    *,
    sender: Anything,
    instance: Anything,
    raw: bool,
    using: str,
    update_fields: frozenset[str] | None,
) -> None:
    """A flush is about to insert or update an instance; it stores changes of receivers."""


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


@save_signal(_post_save_and_changes)
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


def _delete_and_changes(
    *, sender: Anything, instance: Anything, using: str, origin: Anything, changes: Changes
) -> None: ...


@delete_signal(_delete_and_changes)
def pre_delete(*, sender: Anything, instance: Anything, using: str, origin: Anything) -> None:
    """A flush is about to delete an instance, because `origin` is to be deleted."""


@delete_signal(_delete_and_changes)
def post_delete(*, sender: Anything, instance: Anything, using: str, origin: Anything) -> None:
    """A flush has deleted an instance."""


@table_signal
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


@driver_signal
def connection_created(*, sender: Anything, connection: Anything) -> None:
    """A pool has opened a connection to a database."""


@class_signal
def post_bulk_insert(
    *,
    sender: Anything,
    statement: Anything,
    criteria: Anything,
    rowcount: int | None,
    pk_set: Anything,
    using: str,
) -> None:
    """An ORM `insert()` was executed; `criteria` is None.

    `statement` is None, too, for the session's `bulk_*` methods.
    """


@class_signal
def post_bulk_update(
    *,
    sender: Anything,
    statement: Anything,
    criteria: Anything,
    rowcount: int | None,
    pk_set: Anything,
    using: str,
) -> None:
    """An ORM `update()` was executed, on the rows that `criteria` selects."""


@class_signal
def post_bulk_delete(
    *,
    sender: Anything,
    statement: Anything,
    criteria: Anything,
    rowcount: int | None,
    pk_set: Anything,
    using: str,
) -> None:
    """An ORM `delete()` was executed, on the rows that `criteria` selects."""
