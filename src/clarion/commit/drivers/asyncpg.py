"""asyncpg, which does not report that a transaction was aborted."""

from __future__ import annotations

from clarion.commit.drivers.base import aborted_error
from clarion.commit.drivers.native import AsyncNativeDriver
from clarion.commit.drivers.outcome import may_cancel_server


class AsyncpgDriver(AsyncNativeDriver):
    """A connection of asyncpg, opened directly or taken from a pool."""

    def in_transaction(self) -> bool:
        """Return whether a transaction is open."""
        return bool(self.connection.is_in_transaction())

    def is_lost(self) -> bool:
        """Return whether the connection is closed."""
        return bool(self.connection.is_closed())

    def was_interrupted_commit_made(self, error: BaseException) -> bool | None:
        """Return whether a COMMIT was made; unknown if it was cancelled in the server."""
        if may_cancel_server(error):
            return None
        return super().was_interrupted_commit_made(error)

    async def acheck_not_aborted(self) -> None:
        """Refuse the commit of an aborted transaction, in which every statement fails."""
        try:
            await self.connection.execute("SELECT 1")
        except Exception as error:
            raise aborted_error() from error
