"""Create and drop the tables of the outbox, in a migration and without one.

The tables are exactly those of `clarion/outbox/sql`, because workers in other frameworks use them
too. So Django's state has the models, and this operation runs the statements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connections, router, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from clarion.errors import BoundaryError
from clarion.integrations.django.outbox.connection import DjangoConnection
from clarion.integrations.django.outbox.vendors import dialect_of, is_supported
from clarion.outbox.statements import statements
from clarion.outbox.tables import VERSION, create_tables, notify_statements

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL = "clarion_outbox"

TABLES = (
    "clarion_inbox",
    "clarion_dead",
    "clarion_blocked",
    "clarion_partition",
    "clarion_delivery",
    "clarion_event",
    "clarion_meta",
)


class CreateOutbox(Operation):
    """The operation that creates the tables, where the router allows the app."""

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: the models are created beside this operation."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: Any,
        from_state: Any,  # noqa: ARG002
        to_state: Any,  # noqa: ARG002
    ) -> None:
        """Create the tables that are missing.

        Raises:
            BoundaryError: if the outbox has no statements for this kind of database.
        """
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            for sql, parameters in creation(schema_editor.connection):
                schema_editor.execute(sql, parameters)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: Any,
        from_state: Any,  # noqa: ARG002
        to_state: Any,  # noqa: ARG002
    ) -> None:
        """Drop the tables, with the deliveries that wait in them."""
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            for table in TABLES:
                schema_editor.execute(f"DROP TABLE IF EXISTS {table}")

    def describe(self) -> str:
        """Return what the operation does, for the commands."""
        return "Create the tables of Clarion's outbox"


class CreateInbox(CreateOutbox):
    """The operation that creates the table of the inbox, which older outboxes do not have."""

    def database_backwards(
        self,
        app_label: str,
        schema_editor: Any,
        from_state: Any,  # noqa: ARG002
        to_state: Any,  # noqa: ARG002
    ) -> None:
        """Drop the table."""
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            schema_editor.execute("DROP TABLE IF EXISTS clarion_inbox")

    def describe(self) -> str:
        """Return what the operation does, for the commands."""
        return "Create the inbox of background receivers"


class NotifyWorkers(Operation):
    """The operation by which PostgreSQL notifies the workers of commits, for a migration of the project.

    The migration depends on `("clarion_outbox", "0001_initial")`. Other databases, and those that a router keeps
    the outbox out of, are not changed.
    """

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: a trigger is no model."""

    def database_forwards(
        self,
        app_label: str,  # noqa: ARG002
        schema_editor: Any,
        from_state: Any,  # noqa: ARG002
        to_state: Any,  # noqa: ARG002
    ) -> None:
        """Create the trigger."""
        self._execute(schema_editor, notify_statements())

    def database_backwards(
        self,
        app_label: str,  # noqa: ARG002
        schema_editor: Any,
        from_state: Any,  # noqa: ARG002
        to_state: Any,  # noqa: ARG002
    ) -> None:
        """Drop the trigger."""
        self._execute(schema_editor, notify_statements(drop=True))

    def describe(self) -> str:
        """Return what the operation does, for the commands."""
        return "Let PostgreSQL notify the workers of Clarion's outbox"

    def _execute(self, schema_editor: Any, texts: list[str]) -> None:
        connection = schema_editor.connection
        # The label of the outbox: the migration is of another app.
        if connection.vendor == "postgresql" and router.allow_migrate(connection.alias, LABEL):
            for sql in texts:
                schema_editor.execute(sql, None)


def creation(connection: Any) -> Iterator[tuple[str, list[int] | None]]:
    """Yield the statements that create the tables, with their parameters.

    Raises:
        BoundaryError: if the outbox has no statements for this kind of database.
    """
    try:
        texts = statements(dialect_of(connection))
    except BoundaryError as error:
        error.add_note(f"Or let a router refuse the app {LABEL} in allow_migrate().")
        raise
    for name, sql in texts.items():
        if name.startswith("create_"):
            yield sql, None
    yield texts["write_version"].replace(":version", "%s"), [VERSION]


def create_unmigrated(using: str = "default", **kwargs: Any) -> None:  # noqa: ARG001
    """Create the tables before Django creates them from the models, if the migrations of the app are off.

    That is so in tests with `--nomigrations` or `MIGRATE: False`.
    """
    module, _ = MigrationLoader.migrations_module(LABEL)
    if module is None and router.allow_migrate(using, LABEL) and is_supported(connections[using]):
        block: Any = transaction.atomic(using=using)
        with block:
            create_tables(DjangoConnection(using))
