"""Connections with blocks of their own: `with connection.transaction()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion.commit.drivers.base import AsyncDriver, Driver

if TYPE_CHECKING:
    from clarion.commit.drivers.outcome import CommitOutcome


class NativeDriver(Driver):
    """A sync connection with `transaction()` blocks, which are savepoints inside one another."""

    def begin_block(self, outcome: CommitOutcome) -> Any:  # noqa: ARG002
        """Return a block of the connection."""
        return self.connection.transaction()

    def savepoint(self, name: str, failed_savepoints: list[str]) -> Any:  # noqa: ARG002
        """Return a block of the connection; the driver names the savepoint."""
        return self.connection.transaction()


class AsyncNativeDriver(AsyncDriver):
    """An async connection with `transaction()` blocks."""

    def begin_block(self, outcome: CommitOutcome) -> Any:  # noqa: ARG002
        """Return a block of the connection."""
        return self.connection.transaction()

    def savepoint(self, name: str, failed_savepoints: list[str]) -> Any:  # noqa: ARG002
        """Return a block of the connection; the driver names the savepoint."""
        return self.connection.transaction()
