"""Connections that begin and end transactions by methods or statements: DB-API (PEP 249)."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager, suppress
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from clarion.commit.drivers.base import AsyncDriver, Driver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from clarion.commit.drivers.outcome import CommitOutcome


class DbapiDriver(Driver):
    """A sync DB-API connection."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.begins = hasattr(connection, "begin")

    def begin(self) -> None:
        """Begin a transaction, unless the first statement does."""
        if self.begins:
            self.connection.begin()

    def commit(self) -> None:
        """Commit the transaction."""
        self.connection.commit()

    def rollback(self) -> None:
        """Roll the transaction back."""
        self.connection.rollback()

    def execute(self, statement: str) -> None:
        """Execute a statement without results."""
        # An addition to DB-API that sqlite3 and others have.
        if hasattr(self.connection, "execute"):
            self.connection.execute(statement)
            return
        cursor = self.connection.cursor()
        try:
            cursor.execute(statement)
        finally:
            cursor.close()

    @contextmanager
    def begin_block(self, outcome: CommitOutcome) -> Generator[None]:
        """Return the context manager of a transaction without the checks."""
        try:
            self.begin()  # it may be interrupted after the server has begun
            yield
            self.commit()
        except BaseException as error:
            if not outcome.is_over:
                self.judge(outcome, error)
                with suppress(Exception):  # the first error says more
                    self.rollback()
            raise

    @contextmanager
    def savepoint(self, name: str, failed_savepoints: list[str]) -> Generator[None]:
        """Return the context manager of a savepoint."""
        self.execute(f"SAVEPOINT {name}")
        try:
            yield
            self.execute(f"RELEASE SAVEPOINT {name}")
        except BaseException:
            try:
                self.execute(f"ROLLBACK TO SAVEPOINT {name}")
                # Otherwise it stays until the transaction ends, which may set thousands of them.
                self.execute(f"RELEASE SAVEPOINT {name}")
            except Exception:  # noqa: BLE001  # the first error says more
                failed_savepoints.append(name)
            raise


class AsyncDbapiDriver(AsyncDriver):
    """An async connection with the methods of DB-API."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.begins = hasattr(connection, "begin")

    async def begin(self) -> None:
        """Begin a transaction, unless the first statement does."""
        if self.begins:
            await self.connection.begin()

    async def commit(self) -> None:
        """Commit the transaction."""
        await self.connection.commit()

    async def rollback(self) -> None:
        """Roll the transaction back."""
        await self.connection.rollback()

    async def execute(self, statement: str) -> None:
        """Execute a statement without results."""
        if hasattr(self.connection, "execute"):
            await self.connection.execute(statement)
            return
        cursor = self.connection.cursor()
        if isawaitable(cursor):
            cursor = await cursor
        try:
            await cursor.execute(statement)
        finally:
            closed = cursor.close()
            if isawaitable(closed):
                await closed

    @asynccontextmanager
    async def begin_block(self, outcome: CommitOutcome) -> AsyncGenerator[None]:
        """Return the async context manager of a transaction without the checks."""
        try:
            await self.begin()
            yield
            await self.commit()
        except BaseException as error:
            if not outcome.is_over:
                await self.ajudge(outcome, error)
                with suppress(Exception):
                    await self.rollback()
            raise

    @asynccontextmanager
    async def savepoint(self, name: str, failed_savepoints: list[str]) -> AsyncGenerator[None]:
        """Return the async context manager of a savepoint."""
        await self.execute(f"SAVEPOINT {name}")
        try:
            yield
            await self.execute(f"RELEASE SAVEPOINT {name}")
        except BaseException:
            try:
                await self.execute(f"ROLLBACK TO SAVEPOINT {name}")
                await self.execute(f"RELEASE SAVEPOINT {name}")
            except Exception:  # noqa: BLE001  # the first error says more
                failed_savepoints.append(name)
            raise
