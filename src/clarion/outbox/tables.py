"""Create the tables of the outbox, and refuse those of another version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion.errors import ClarionError
from clarion.outbox.statements import statements

if TYPE_CHECKING:
    from clarion.outbox.connection import Connection

VERSION = 1


class TablesError(ClarionError, RuntimeError):
    """The tables of the outbox are missing, or have another version."""


def create_tables(connection: Connection, *, notify: bool = False) -> None:
    """Create the tables that are missing, in the transaction that is open.

    It may run at each start, and in several processes at once.

    Args:
        connection: the connection.
        notify: whether PostgreSQL notifies the workers of each commit that stores deliveries, so
            that they need not wait for their next poll. It notifies them once for each commit. With many
            senders at a time it makes their commits slower. Other databases ignore it.

    Raises:
        TablesError: if there are tables of another version.
    """
    for name in statements(connection.dialect):
        if name.startswith("create_"):
            connection.change(name)
    if notify:
        for name in statements(connection.dialect):
            if name.startswith("notify_"):
                connection.change(name)
    connection.change("write_version", version=VERSION)
    check_tables(connection)


def check_tables(connection: Connection) -> None:
    """Refuse tables of another version.

    Raises:
        TablesError: if they have another version.
    """
    found = connection.rows("read_version")
    version = found[0][0] if found else 0
    if version != VERSION:
        older = version < VERSION
        raise TablesError(
            f"The tables of the outbox have version {version}, and this Clarion works with version "
            f"{VERSION}. {'Migrate the tables' if older else 'Upgrade Clarion'} first."
        )
