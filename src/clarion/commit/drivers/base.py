"""The interface of a driver, sync and async, and the checks before a commit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from clarion.commit.drivers.outcome import database_error, may_be_lost
from clarion.errors import ArgumentError, TransactionError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Sequence
    from contextlib import AbstractContextManager

    from clarion.commit.drivers.outcome import CommitOutcome

    Transaction = AbstractContextManager[Any] | AbstractAsyncContextManager[Any]


class Driver(ABC):
    """Begins and ends transactions on one connection.

    Args:
        connection: the connection.

    Attributes:
        is_async: whether the connection is awaited.
        begins: whether a transaction is open before its first statement.
        knows_savepoints: whether `open_savepoints` finds those of user code.
    """

    is_async = False
    begins = True
    knows_savepoints = False

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def in_transaction(self) -> bool | None:
        """Return whether the connection is in a transaction; None if it does not report it."""
        reported = getattr(self.connection, "in_transaction", None)
        if reported is None:
            return None
        return bool(reported() if callable(reported) else reported)

    def check_awaited(self, *, awaited: bool) -> None:
        """Refuse an async connection under `with`, and a sync one under `async with`.

        Raises:
            ArgumentError: if the block is of the wrong kind.
        """
        if self.is_async == awaited:
            return
        kind = f"{type(self.connection).__module__}.{type(self.connection).__qualname__}"
        is_what, write = ("a sync", "with") if awaited else ("an async", "async with")
        raise ArgumentError(
            f"{kind} is {is_what} connection. Write `{write} atomic(...)`.", ["connection"]
        )

    def check_idle(self) -> None:
        """Refuse a connection on which no transaction can begin.

        Raises:
            TransactionError: if it is in a transaction, or commits each statement.
        """
        if self.in_transaction():
            raise TransactionError(
                "atomic() was given a connection that is already in a transaction, so it would not "
                "see the commit. Commit or roll back first, or begin that one with atomic(), too."
            )
        if not self.begins and getattr(self.connection, "autocommit", None) is True:
            raise TransactionError(
                "atomic() was given a connection that commits each statement. Turn autocommit off."
            )

    def check_not_aborted(self) -> None:  # noqa: B027  # few databases abort
        """Refuse the commit of a transaction that the database has aborted.

        Raises:
            TransactionError: if it was aborted.
        """

    def check_commit(self, failed_savepoints: list[str]) -> None:
        """Refuse a commit that would write nothing, or a part.

        Args:
            failed_savepoints: the savepoints whose rollback failed.

        Raises:
            TransactionError: if it would.
        """
        if failed_savepoints:
            raise TransactionError(
                "An atomic() block is rolled back, because the rollback of a savepoint in it failed. "
                "Let the error that caused that rollback leave the outermost block."
            )
        # Without `begins` no transaction is open if no statement was executed.
        if self.begins and self.in_transaction() is False:
            raise TransactionError(
                "The transaction of an atomic() block was ended inside it: by a commit or rollback, or "
                "by a statement that implies one. Leave that to the block."
            )

    def judge(self, outcome: CommitOutcome, error: BaseException) -> None:
        """Determine whether a COMMIT that raised was made. Call it before a rollback.

        Args:
            outcome: the outcome, which is set if it was not before.
            error: the exception.
        """
        if outcome.is_begun and not outcome.is_judged:
            refusal = database_error(error, outcome.outer_error)
            is_made = self._was_made(error) if refusal is None else self._was_refused(refusal)
            outcome.judge(is_made=is_made)

    def _was_refused(self, error: BaseException) -> bool | None:
        """Return False after an error of the database; None if the connection may be lost."""
        try:
            is_unknown = self.is_lost() or (may_be_lost(error) and self.in_transaction() is None)
        except Exception:  # noqa: BLE001  # a connection that cannot answer
            return None
        return None if is_unknown else False

    def _was_made(self, error: BaseException) -> bool | None:
        """Return whether a COMMIT was made that another exception interrupted."""
        try:
            if isinstance(error, OSError) or self.is_lost():
                return None
            return self.was_interrupted_commit_made(error)
        except Exception:  # noqa: BLE001  # a connection that cannot answer
            return None

    def was_interrupted_commit_made(self, error: BaseException) -> bool | None:  # noqa: ARG002
        """Return whether a COMMIT was made; None if that is unknown.

        Args:
            error: the exception that came while it was made, which is not of the database.
        """
        is_open = self.in_transaction()
        return None if is_open is None else not is_open

    def is_lost(self) -> bool:
        """Return whether the connection reports that it is closed."""
        closed, is_open = (getattr(self.connection, name, None) for name in ("closed", "open"))
        return (not callable(closed) and bool(closed)) or is_open is False

    def is_unsettled(self, outcome: CommitOutcome) -> bool:  # noqa: ARG002
        """Return whether an interrupt has left the connection in an unknown state.

        Args:
            outcome: the outcome of the COMMIT.
        """
        return bool(self.in_transaction())

    def discard(self) -> Any:
        """Close the connection; return an awaitable if it is async."""
        return self.connection.close()

    def is_stuck(self) -> bool:
        """Return whether an interrupt has left a lock of the driver locked.

        Each statement, and so a rollback, would wait forever.
        """
        return False

    def discard_stuck(self) -> None:
        """Close a connection on which a rollback would wait forever."""
        if self.is_stuck():
            self.discard()

    @abstractmethod
    def begin_block(self, outcome: CommitOutcome) -> Any:
        """Return the context manager of a transaction without the checks.

        Args:
            outcome: the outcome of its COMMIT, which `judge` determines before a rollback.
        """

    @abstractmethod
    def savepoint(self, name: str, failed_savepoints: list[str]) -> Any:
        """Return the context manager of a savepoint.

        Args:
            name: a name that is unique in the transaction.
            failed_savepoints: the list to which the name is added if the rollback fails.
        """

    def open_savepoints(self, outermost: Any) -> Sequence[Any]:  # noqa: ARG002
        """Return the savepoints that user code has set, and that are open now.

        Args:
            outermost: what `savepoint` has returned for the one to stop at; None for all.
        """
        return ()

    def transaction(self, failed_savepoints: list[str], outcome: CommitOutcome) -> Transaction:
        """Return the context manager of a transaction, async if the connection is.

        Args:
            failed_savepoints: the savepoints whose rollback failed, read before the commit.
            outcome: the outcome of its COMMIT.
        """
        return self._transaction(failed_savepoints, outcome)

    @contextmanager
    def _transaction(self, failed_savepoints: list[str], outcome: CommitOutcome) -> Generator[None]:
        with self.begin_block(outcome):
            yield
            self.check_not_aborted()
            self.check_commit(failed_savepoints)
            outcome.is_begun = True
        if outcome.is_begun:
            outcome.judge(is_made=True)


class AsyncDriver(Driver):
    """As `Driver`, for a connection that is awaited."""

    is_async = True

    async def acheck_not_aborted(self) -> None:
        """Refuse the commit of an aborted transaction, as `check_not_aborted`."""
        self.check_not_aborted()

    async def ajudge(self, outcome: CommitOutcome, error: BaseException) -> None:
        """Determine whether a COMMIT that raised was made, as `judge`."""
        self.judge(outcome, error)

    def transaction(self, failed_savepoints: list[str], outcome: CommitOutcome) -> Transaction:
        """Return the async context manager of a transaction."""
        return self._atransaction(failed_savepoints, outcome)

    @asynccontextmanager
    async def _atransaction(
        self, failed_savepoints: list[str], outcome: CommitOutcome
    ) -> AsyncGenerator[None]:
        async with self.begin_block(outcome):
            yield
            await self.acheck_not_aborted()
            self.check_commit(failed_savepoints)
            outcome.is_begun = True
        if outcome.is_begun:
            outcome.judge(is_made=True)


class NoDriver(Driver):
    """The driver of `atomic()` without a connection: a boundary and nothing more."""

    def __init__(self) -> None:
        super().__init__(None)

    def check_awaited(self, *, awaited: bool) -> None:
        """Accept both kinds of block."""

    def begin_block(self, outcome: CommitOutcome) -> Transaction:  # noqa: ARG002
        """Return a context manager that does nothing."""
        return nullcontext()

    def savepoint(self, name: str, failed_savepoints: list[str]) -> Transaction:  # noqa: ARG002
        """Return a context manager that does nothing."""
        return nullcontext()

    def transaction(self, failed_savepoints: list[str], outcome: CommitOutcome) -> Transaction:  # noqa: ARG002
        """Return a context manager that does nothing and checks nothing."""
        return self.begin_block(outcome)


def aborted_error() -> TransactionError:
    """Return the error for a transaction that the database has aborted."""
    # PostgreSQL then answers COMMIT with a rollback, which no driver reports as an error.
    return TransactionError(
        "The transaction of an atomic() block was aborted by an error inside it, so nothing can be "
        "committed. Let the error leave the block, or put the code that may fail into an "
        "atomic() block of its own."
    )
