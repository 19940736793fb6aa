"""The checks of a worker when it starts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from clarion._core.commands import command_line
from clarion._core.names import counted, quoted_name
from clarion.outbox import store
from clarion.outbox.notes import known_cure, tables_cure
from clarion.outbox.receivers import connected_receivers
from clarion.outbox.tables import TablesError, check_tables

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from clarion.outbox.connection import Connection
    from clarion.outbox.database import Database

logger = logging.getLogger("clarion.worker")


def check_outbox(database: Database, connection: Connection) -> None:
    """Refuse a database without the tables of the outbox.

    Raises:
        TablesError: if they are missing, forbidden, or have another version.
        Exception: that of the driver, if the database cannot be used.
    """
    try:
        check_tables(connection)
    except TablesError:
        raise
    except Exception as error:
        cure = known_cure(error)
        if cure is None:
            raise  # not the tables: the file is no database, or the server has gone
        if cure != tables_cure():
            raise TablesError(f"{database.name} cannot be used. {cure}") from error
        # A framework creates them by its migrations.
        if cure := getattr(database, "tables_cure", ""):
            raise TablesError(
                f"The tables of the outbox cannot be read in {database.name}. {cure}"
            ) from error
        raise TablesError(
            f"The tables of the outbox cannot be read in {database.name}. Create them with "
            f"`{command_line('outbox create')}`, with a migration, or with clarion.outbox.tables.create_tables()."
        ) from error


def unknown_receivers(connection: Connection, known: Collection[str]) -> dict[str, int]:
    """Return the receivers of stored deliveries that this program has not connected.

    Args:
        connection: a connection.
        known: the names of the connected receivers.

    Returns:
        The number of waiting deliveries, by the name of the receiver.
    """
    return {
        each.receiver: each.deliveries
        for each in store.waiting(connection)
        if each.deliveries and each.receiver not in known
    }


def warn_of_unknown(connection: Connection, missing: Sequence[str] = ()) -> None:
    """Log the receivers of stored deliveries that this program has not connected.

    Args:
        connection: a connection.
        missing: the names that the worker was given, and that no connected receiver has.
    """
    if missing:
        logger.warning(
            "No connected receiver has the name %s, which this worker was given to serve. Import the module that "
            "connects it, or correct the name.",
            ", ".join(map(quoted_name, missing)),
        )
    for receiver, count in unknown_receivers(connection, connected_receivers()).items():
        logger.warning(
            "%s for the receiver %s, which this program has not connected. Connect "
            "it, or name it in aliases= of the receiver that replaces it.",
            counted(count, "delivery waits", "deliveries wait"),
            quoted_name(receiver),
        )
