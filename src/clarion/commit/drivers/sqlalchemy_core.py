"""A Connection of SQLAlchemy Core, on whichever driver."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from clarion.commit.drivers.base import AsyncDriver, Driver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator


class CoreDriver(Driver):
    """A sync Connection of SQLAlchemy.

    Args:
        connection: the Connection.
        driver_for: returns the driver of the connection below it.
    """

    def __init__(self, connection: Any, driver_for: Callable[[Any], Driver]) -> None:
        super().__init__(connection)
        self._driver_for = driver_for

    @contextmanager
    def begin_block(self) -> Generator[None]:
        """Return the context manager of a transaction without the checks."""
        try:
            with self.connection.begin():
                yield
        except BaseException:
            _end_transaction(self.connection)
            raise

    def savepoint(self, name: str, failed_savepoints: list[str]) -> Any:  # noqa: ARG002
        """Return a nested transaction, which SQLAlchemy names."""
        return self.connection.begin_nested()

    def check_not_aborted(self) -> None:
        """Refuse the commit of an aborted transaction, as the driver below does."""
        self._driver_for(self.connection.connection.driver_connection).check_not_aborted()


class AsyncCoreDriver(AsyncDriver):
    """An AsyncConnection of SQLAlchemy; its arguments are those of `CoreDriver`."""

    def __init__(self, connection: Any, driver_for: Callable[[Any], Driver]) -> None:
        super().__init__(connection)
        self._driver_for = driver_for

    @asynccontextmanager
    async def begin_block(self) -> AsyncGenerator[None]:
        """Return the async context manager of a transaction without the checks."""
        try:
            async with self.connection.begin():
                yield
        except BaseException:
            await self.connection.run_sync(_end_transaction)
            raise

    def savepoint(self, name: str, failed_savepoints: list[str]) -> Any:  # noqa: ARG002
        """Return a nested transaction, which SQLAlchemy names."""
        return self.connection.begin_nested()

    async def acheck_not_aborted(self) -> None:
        """Refuse the commit of an aborted transaction, as the driver below does."""
        raw = await self.connection.get_raw_connection()
        driver = self._driver_for(raw.driver_connection)
        if isinstance(driver, AsyncDriver):
            await driver.acheck_not_aborted()
        else:
            driver.check_not_aborted()


def _end_transaction(connection: Any) -> None:
    # SQLite stays in a transaction whose COMMIT has failed; SQLAlchemy regards it as ended.
    with suppress(Exception):
        connection.connection.rollback()
