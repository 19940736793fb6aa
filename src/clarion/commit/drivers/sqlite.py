"""sqlite3 and aiosqlite: SQL statements begin and end the transaction."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from clarion.commit.drivers.dbapi import AsyncDbapiDriver, DbapiDriver

if TYPE_CHECKING:
    from clarion.commit.drivers.outcome import CommitOutcome


class SqliteDriver(DbapiDriver):
    """A connection of sqlite3."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.begins = True
        # With autocommit=False, since Python 3.12, a transaction is always open.
        self._is_always_open = getattr(connection, "autocommit", None) is False

    def check_idle(self) -> None:
        """Refuse a connection that is in a transaction, unless it always is."""
        if not self._is_always_open:
            super().check_idle()

    def is_unsettled(self, outcome: CommitOutcome) -> bool:
        """Return whether a transaction is open that should not be."""
        return not self._is_always_open and super().is_unsettled(outcome)

    def discard(self) -> None:
        """Roll back instead of closing, which would lose a database in memory."""
        self.rollback()

    def begin(self) -> None:
        """Begin as `isolation_level` says: "IMMEDIATE", for example."""
        if not (self._is_always_open and self.connection.in_transaction):
            self.execute(_begin(self.connection))

    def commit(self) -> None:
        """Commit the transaction."""
        if self._is_always_open:
            self.connection.commit()
        else:
            self.execute("COMMIT")

    def rollback(self) -> None:
        """Roll the transaction back."""
        if self._is_always_open:
            self.connection.rollback()
        else:
            self.execute("ROLLBACK")


class AsyncSqliteDriver(AsyncDbapiDriver):
    """A connection of aiosqlite."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.begins = True

    async def ajudge(self, outcome: CommitOutcome, error: BaseException) -> None:
        """Determine whether a COMMIT that raised was made."""
        if outcome.is_begun and not outcome.is_judged:
            # The connection's thread may still execute the COMMIT. This waits for it.
            with suppress(Exception):
                await self.execute("SELECT 1")
        self.judge(outcome, error)

    async def discard(self) -> None:
        """Roll back, like the sync connection."""
        await self.rollback()

    async def begin(self) -> None:
        """Begin as `isolation_level` says."""
        await self.execute(_begin(self.connection))

    async def commit(self) -> None:
        """Commit the transaction."""
        await self.execute("COMMIT")

    async def rollback(self) -> None:
        """Roll the transaction back."""
        await self.execute("ROLLBACK")


def _begin(connection: Any) -> str:
    return f"BEGIN {connection.isolation_level or ''}"
