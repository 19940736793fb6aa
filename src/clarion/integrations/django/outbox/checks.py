"""The system checks of durable receivers: whether their databases can store deliveries."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.checks import Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, router, transaction
from django.db.models import Model

from clarion._core.names import quoted_name
from clarion.errors import BoundaryError
from clarion.integrations.django.outbox.notes import APP, immediate_cure, migrate_cure
from clarion.integrations.django.outbox.vendors import dialect_of, transaction_mode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def register_checks() -> None:
    """Register the system checks of durable receivers. Calling it again changes nothing."""
    register(check_databases, Tags.database)
    register(check_transaction_modes, Tags.signals)


def check_databases(
    app_configs: Sequence[Any] | None = None,  # noqa: ARG001
    databases: Sequence[str] | None = None,
    **kwargs: Any,  # noqa: ARG001
) -> list[CheckWarning]:
    """Return a warning for each database that durable receivers need and that has no tables.

    It reads the databases, so Django runs it at `migrate`, and at `check --database`. A `migrate` that creates
    the tables does not report them.
    """
    needed = needed_aliases()
    return [
        CheckWarning(problem, hint=hint, obj=f"database {quoted_name(alias)}", id="clarion.W002")
        for alias in databases or ()
        if alias in needed
        for problem, hint in _problems(alias, needed[alias])
    ]


def check_transaction_modes(
    app_configs: Sequence[Any] | None = None,  # noqa: ARG001
    **kwargs: Any,  # noqa: ARG001
) -> list[CheckWarning]:
    """Return a warning for each SQLite database where a durable send may fail at once.

    A transaction of SQLite that has read cannot write once another connection has written. A
    durable send makes a reading transaction a writing one.
    """
    return [
        CheckWarning(
            f"The database {quoted_name(alias)} stores the deliveries of receiver {receiver}. A send "
            f"in a transaction that has read fails there if another connection has written since.",
            hint=immediate_cure(alias),
            obj=f"database {quoted_name(alias)}",
            id="clarion.W003",
        )
        for alias, receiver in needed_aliases().items()
        if _is_deferred(connections[alias])
    ]


def needed_aliases() -> dict[str, str]:
    """Return the databases in which durable receivers are stored, with one receiver of each.

    A send may name another database. This function knows the database of the
    receiver's option, or of the model that is its sender, or else the default one.
    """
    found: dict[str, str] = {}
    databases: Any = connections.settings
    outbox: Any = sys.modules.get("clarion.outbox.receivers")  # loaded with the first receiver
    for each in [] if outbox is None else outbox.stored_receivers():
        registration = each.registration()
        if registration is not None:
            alias = each.options.database or _alias_of_sender(registration.sender_of())
            if alias in databases:
                found.setdefault(alias, each.name)
    return found


def _alias_of_sender(sender: object) -> str:
    if isinstance(sender, type) and issubclass(sender, Model):
        return str(router.db_for_write(sender))
    return DEFAULT_DB_ALIAS


def _is_deferred(connection: Any) -> bool:
    if connection.vendor != "sqlite" or transaction_mode(connection) != "DEFERRED":
        return False
    return not connection.is_in_memory_db()


def _problems(alias: str, receiver: str) -> Iterator[tuple[str, str]]:
    name = quoted_name(alias)
    intro = f"The database {name} is to store the deliveries of receiver {receiver}"
    try:
        dialect_of(connections[alias])
    except BoundaryError as error:
        yield f"{intro}. {error}", "Name another database with durable(database=...)."
        return
    # Late, because most projects have no durable receiver, and do not load the outbox.
    from clarion.integrations.django.outbox.connection import DjangoConnection
    from clarion.outbox.tables import TablesError, check_tables

    # In a block: if AUTOCOMMIT is off, an error would abort the transaction of the command.
    block: Any = transaction.atomic(using=alias)
    try:
        with block:
            check_tables(DjangoConnection(alias))
    except TablesError as error:
        if not _are_being_created(alias):
            yield f"{intro}. {error}", migrate_cure(alias)
    except DatabaseError:
        if not _are_being_created(alias):
            yield f"{intro}, but the tables cannot be read.", migrate_cure(alias)


def _are_being_created(alias: str) -> bool:
    """Return whether `migrate` runs this check, and creates the tables afterwards."""
    config = next((each for each in apps.get_app_configs() if each.name == APP), None)
    if config is None or not _is_migrating():
        return False
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connections[alias])
    known = {each for each in loader.disk_migrations or () if each[0] == config.label}
    return not known <= set(loader.applied_migrations or ())


def _is_migrating() -> bool:
    from django.core.management.commands.migrate import Command

    frame = sys._getframe()  # Django gives a check nothing about the command
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code.co_name == "execute" and isinstance(frame.f_locals.get("self"), Command):
            return True
    return False
