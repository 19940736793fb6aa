"""Create the tables of the outbox, and refuse those of another version."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from clarion.errors import ClarionError
from clarion.outbox.statements import statements

if TYPE_CHECKING:
    from clarion.outbox.connection import Connection

VERSION = 1

_CREATE = re.compile(r"CREATE (?:TABLE|INDEX) IF NOT EXISTS (\w+)")


class TablesError(ClarionError, RuntimeError):
    """The tables of the outbox are missing, or have another version."""


def create_tables(connection: Connection, *, notify: bool = False) -> None:
    """Create the tables that are missing, in the transaction that is open.

    It may run at each start, and in several processes at once. It does not wait for senders if the
    tables exist.

    Args:
        connection: the connection.
        notify: whether PostgreSQL notifies the workers of each commit that stores deliveries, so
            that they need not wait for their next poll. It notifies them once for each commit. With many
            senders at a time it makes their commits slower. Other databases ignore it.

    Raises:
        TablesError: if there are tables of another version.
    """
    texts = statements(connection.dialect)
    # An index that exists would be locked against senders, and its creation could deadlock with them.
    existing: set[str] = (
        {row[0] for row in connection.rows("existing")} if "existing" in texts else set()
    )
    for name, text in texts.items():
        if name.startswith("create_") and _created(text) not in existing:
            connection.change(name)
    if notify and "clarion_notify" not in existing:
        for name in texts:
            if name.startswith("notify_"):
                connection.change(name)
    connection.change("write_version", version=VERSION)
    check_tables(connection)


def notify_statements(*, drop: bool = False) -> list[str]:
    """Return the SQL by which PostgreSQL notifies the workers, for a migration of the program.

    They do what `create_tables(connection, notify=True)` does beside the tables, which must exist. They may run again.

    Args:
        drop: whether to return the SQL that ends the notifications.
    """
    texts = statements("postgresql")
    if drop:
        return [texts["notify_drop"], texts["drop_notify_function"]]
    return [text for name, text in texts.items() if name.startswith("notify_")]


def _created(text: str) -> str | None:
    """Return the name of the table or index that a statement creates."""
    found = _CREATE.search(text)
    return None if found is None else found[1]


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
