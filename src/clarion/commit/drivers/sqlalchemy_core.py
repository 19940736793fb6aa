"""A Connection of SQLAlchemy Core, on whichever driver."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from clarion.commit.drivers.base import AsyncDriver, Driver
from clarion.commit.drivers.core_savepoints import foreign_savepoints

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Sequence

    from clarion.commit.drivers.outcome import CommitOutcome


class CoreDriver(Driver):
    """A sync Connection of SQLAlchemy.

    Args:
        connection: the Connection.
        driver_for: returns the driver of the connection below it.
    """

    knows_savepoints = True

    def __init__(self, connection: Any, driver_for: Callable[[Any], Driver]) -> None:
        super().__init__(connection)
        self._driver_for = driver_for
        self._below: Driver | None = None  # known before the COMMIT

    @contextmanager
    def begin_block(self, outcome: CommitOutcome) -> Generator[None]:
        """Return the context manager of a transaction without the checks."""
        try:
            transaction = self.connection.begin()
            try:
                yield
                transaction.commit()
            except BaseException as error:
                if not outcome.is_over:
                    # SQLAlchemy's own block would roll back before the outcome is known.
                    self.judge(outcome, error)
                    self.discard_stuck()
                    with suppress(Exception):
                        transaction.rollback()
                raise
        except BaseException:
            if not outcome.is_over:
                _end_transaction(self.connection)
            raise

    def savepoint(self, name: str, failed_savepoints: list[str]) -> Any:  # noqa: ARG002
        """Return a nested transaction, which SQLAlchemy names."""
        return self.connection.begin_nested()

    def open_savepoints(self, outermost: Any) -> Sequence[Any]:
        """Return the savepoints of `connection.begin_nested()`."""
        return foreign_savepoints(self.connection, (), outermost)

    def judge(self, outcome: CommitOutcome, error: BaseException) -> None:
        """Determine whether a COMMIT that raised was made, as the driver below does."""
        _judge(self._below, outcome, error)

    def is_unsettled(self, outcome: CommitOutcome) -> bool:
        """Return whether the connection below is in an unknown state."""
        return super().is_unsettled(outcome) or _is_unsettled(self._below, outcome)

    def discard(self) -> None:
        """Close the connection below, and return it to no pool."""
        _discard(self.connection)

    def is_stuck(self) -> bool:
        """Return whether a rollback of the connection below would wait forever."""
        try:
            return self._driver_for(self.connection.connection.driver_connection).is_stuck()
        except Exception:  # noqa: BLE001  # it is closed
            return False

    def check_not_aborted(self) -> None:
        """Refuse the commit of an aborted transaction, as the driver below does."""
        self._below = self._driver_for(self.connection.connection.driver_connection)
        self._below.check_not_aborted()


class AsyncCoreDriver(AsyncDriver):
    """An AsyncConnection of SQLAlchemy; its arguments are those of `CoreDriver`."""

    knows_savepoints = True

    def __init__(self, connection: Any, driver_for: Callable[[Any], Driver]) -> None:
        super().__init__(connection)
        self._driver_for = driver_for
        self._below: Driver | None = None  # known before the COMMIT

    @asynccontextmanager
    async def begin_block(self, outcome: CommitOutcome) -> AsyncGenerator[None]:
        """Return the async context manager of a transaction without the checks."""
        try:
            transaction = await self.connection.begin()
            try:
                yield
                await transaction.commit()
            except BaseException as error:
                if not outcome.is_over:
                    await self.ajudge(outcome, error)
                    with suppress(Exception):
                        await transaction.rollback()
                raise
        except BaseException:
            if not outcome.is_over:
                with suppress(Exception):
                    await self.connection.run_sync(_end_transaction)
            raise

    def savepoint(self, name: str, failed_savepoints: list[str]) -> Any:  # noqa: ARG002
        """Return a nested transaction, which SQLAlchemy names."""
        return self.connection.begin_nested()

    def open_savepoints(self, outermost: Any) -> Sequence[Any]:
        """Return the savepoints of `connection.begin_nested()`."""
        nested = None if outermost is None else outermost.sync_transaction
        return foreign_savepoints(self.connection.sync_connection, (), nested)

    async def ajudge(self, outcome: CommitOutcome, error: BaseException) -> None:
        """Determine whether a COMMIT that raised was made, as the driver below does."""
        if isinstance(self._below, AsyncDriver):
            await self._below.ajudge(outcome, error)
        _judge(self._below, outcome, error)

    def is_unsettled(self, outcome: CommitOutcome) -> bool:
        """Return whether the connection below is in an unknown state."""
        return super().is_unsettled(outcome) or _is_unsettled(self._below, outcome)

    def discard(self) -> Any:
        """Close the connection below, and return it to no pool."""
        return self.connection.run_sync(_discard)

    async def acheck_not_aborted(self) -> None:
        """Refuse the commit of an aborted transaction, as the driver below does."""
        raw = await self.connection.get_raw_connection()
        self._below = driver = self._driver_for(raw.driver_connection)
        if isinstance(driver, AsyncDriver):
            await driver.acheck_not_aborted()
        else:
            driver.check_not_aborted()


def _judge(driver: Driver | None, outcome: CommitOutcome, error: BaseException) -> None:
    if getattr(error, "connection_invalidated", False):
        outcome.judge(is_made=None)
    elif driver is not None:
        driver.judge(outcome, error)


def _is_unsettled(driver: Driver | None, outcome: CommitOutcome) -> bool:
    return driver is not None and not driver.is_lost() and driver.is_unsettled(outcome)


def _discard(connection: Any) -> None:
    connection.invalidate()
    # It connects again when the lost transaction is rolled back.
    if (transaction := connection.get_transaction()) is not None:
        transaction.rollback()


def _end_transaction(connection: Any) -> None:
    # SQLite stays in a transaction whose COMMIT has failed; SQLAlchemy regards it as ended.
    with suppress(Exception):
        connection.connection.rollback()
