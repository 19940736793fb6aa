"""Begin and end an entered `atomic()` block, then run or drop its calls by the outcome.

An exception may come at any point, because a signal handler raises or the task is cancelled. Even
then, each call of a committed transaction runs or is logged.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from clarion.commit.drivers.base import NoDriver
from clarion.commit.drivers.outcome import database_error
from clarion.commit.outside import (
    warn_of_calls,
    warn_of_other_context,
    warn_of_other_transaction,
)
from clarion.commit.protect import run_to_end
from clarion.commit.run import abandon_calls, arun_calls, run_calls

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine

    from clarion.commit.atomic_block import AtomicBlock
    from clarion.commit.boundary import ActiveBoundary
    from clarion.commit.drivers.base import AsyncDriver, Driver
    from clarion.commit.drivers.outcome import CommitOutcome
    from clarion.commit.pending_call import PendingCall

_INTERRUPTED = "which was interrupted"
_UNKNOWN = (
    "because it is unknown whether the commit was made: the connection was lost or interrupted"
)


class Entered:
    """One entry of a block: begins its transaction or savepoint, and ends it.

    Args:
        block: the block.
        active: makes the block the active boundary of its context.
        driver: the driver of its connection.
        manager: the context manager of its transaction or savepoint.
        outcome: the outcome of its COMMIT.

    Attributes:
        is_settled: whether it has ended, and its calls have run or were dropped.
    """

    def __init__(
        self,
        block: AtomicBlock,
        active: ActiveBoundary,
        driver: Driver,
        manager: Any,
        outcome: CommitOutcome,
    ) -> None:
        self._block = block
        self._active = active
        self._driver: Any = driver
        self._manager = manager
        self._outcome = outcome
        is_plain = type(driver) is NoDriver and block.outer is None and active.alias is None
        self._is_warned = is_plain and warn_of_other_transaction()
        self._is_begun = False
        self.is_settled = False
        self._is_ending = False

    def begin(self) -> None:
        """Begin the transaction or the savepoint, and make the block active."""
        self._manager.__enter__()
        self._is_begun = True
        self._active.enter()

    async def abegin(self) -> None:
        """Do as `begin` does; a cancellation takes effect afterwards."""

        async def begin() -> None:
            await self._manager.__aenter__()
            self._is_begun = True

        await self._to_end(begin())
        self._active.enter()

    def give_up(self, error: BaseException) -> None:
        """Roll back after an interrupt at the beginning."""
        self._active.leave()
        if self._can_leave():
            with suppress(Exception):  # the first error says more
                self._driver.discard_stuck()
                self._manager.__exit__(type(error), error, error.__traceback__)
        self._discard_unsettled()

    async def agive_up(self, error: BaseException) -> None:
        """Roll back, as `give_up` does."""
        self._active.leave()
        if self._can_leave():
            with suppress(Exception):
                leaving = self._manager.__aexit__(type(error), error, error.__traceback__)
                await self._to_end(leaving)
        await self._adiscard_unsettled()

    def interrupt(self, error: BaseException) -> None:
        """Roll back and drop the calls, if an interrupt came before the end has begun."""
        if self._is_ending:
            return  # the end has done so
        if not self._driver.is_async:  # else the block was freed, and nothing can be awaited
            self.give_up(error)
        self._settle()

    async def ainterrupt(self, error: BaseException) -> None:
        """Do as `interrupt` does."""
        if not self._is_ending:
            await self.agive_up(error)
            self._settle()

    def _can_leave(self) -> bool:
        # A transaction may be ended twice, a savepoint of a driver may not.
        return self._is_begun or self._block.outer is None

    async def _to_end(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Await a coroutine that a cancellation must not interrupt."""
        await (run_to_end(coroutine) if self._driver.is_async else coroutine)

    def end(self, error: tuple[object, ...]) -> None:
        """Commit or roll back, then run the calls or drop them."""
        is_visible = self._active.is_visible()
        self._is_ending = True
        # The block is active until the commit is made, so a send during the commit waits, too.
        try:
            try:
                if error[0] is not None:
                    self._driver.discard_stuck()
                self._manager.__exit__(*error)
                self._note_end(error)
            except BaseException as raised:
                if error[0] is None:
                    self._judge(self._driver, raised)
                    self._roll_back(raised)
                self._discard_unsettled()
                raise
            self._active.leave()
            run_calls(self._end_block())
            self._set_settled()
        finally:
            self._settle()
        if not is_visible:
            warn_of_other_context()

    async def aend(self, error: tuple[object, ...]) -> None:
        """Commit or roll back, then await the calls or drop them."""
        is_visible = self._active.is_visible()
        self._is_ending = True
        try:
            await self._to_end(self._aleave(error))
            self._active.leave()
            await arun_calls(self._end_block())
            self._set_settled()
        finally:
            self._settle()
        if not is_visible:
            warn_of_other_context()

    async def _aleave(self, error: tuple[object, ...]) -> None:
        try:
            await self._manager.__aexit__(*error)
            self._note_end(error)
        except BaseException as raised:
            if error[0] is None:
                await self._ajudge(self._driver, raised)
                await self._aroll_back(raised)
            await self._adiscard_unsettled()
            raise

    def _end_block(self) -> Collection[PendingCall]:
        """End the block by its outcome; return the calls to run now."""
        calls = self._block.end(commit=bool(self._outcome.is_made))
        if calls and not self._is_warned and type(self._driver) is NoDriver:
            warn_of_calls(calls)
        return calls

    def _note_end(self, error: tuple[object, ...]) -> None:
        if error[0] is None:
            self._outcome.is_begun = True
            self._outcome.judge(is_made=True)

    def _judge(self, driver: Driver, raised: BaseException) -> None:
        if self._block.outer is None:
            driver.judge(self._outcome, raised)
        else:
            self._judge_savepoint(raised)

    async def _ajudge(self, driver: AsyncDriver, raised: BaseException) -> None:
        if self._block.outer is None and driver.is_async:
            await driver.ajudge(self._outcome, raised)
        else:
            self._judge(driver, raised)

    def _judge_savepoint(self, raised: BaseException) -> None:
        # The savepoint may have been released. Then its rows stay, so the transaction must not commit.
        if database_error(raised, self._outcome.outer_error) is None:
            self._block.outermost.failed_savepoints.append("interrupted")

    def _roll_back(self, raised: BaseException) -> None:
        """Roll back a transaction that was interrupted before its COMMIT."""
        if self._block.outer is None and not self._outcome.is_begun:
            with suppress(Exception):
                self._driver.discard_stuck()
                self._manager.__exit__(type(raised), raised, raised.__traceback__)

    async def _aroll_back(self, raised: BaseException) -> None:
        if self._block.outer is None and not self._outcome.is_begun:
            with suppress(Exception):
                await self._manager.__aexit__(type(raised), raised, raised.__traceback__)

    def _discard_unsettled(self) -> None:
        """Close a connection if an interrupt has left it in a transaction."""
        if self._block.outer is None:
            with suppress(Exception):  # the connection does not answer
                if self._driver.is_unsettled(self._outcome):
                    self._driver.discard()
            self._outcome.is_over = True

    async def _adiscard_unsettled(self) -> None:
        if self._block.outer is None:
            with suppress(Exception):
                if self._driver.is_unsettled(self._outcome):
                    discarded = self._driver.discard()
                    if isawaitable(discarded):
                        await discarded
            self._outcome.is_over = True

    def _set_settled(self) -> None:
        self.is_settled = True
        self._block.calls = deque()

    def __del__(self) -> None:
        # An interrupt may come before `end` begins. Then no transaction was committed.
        # Not set if an interrupt came in the constructor.
        if getattr(self, "_is_begun", False):
            self._settle()

    def _settle(self) -> None:
        """Abandon and log the calls of a committed transaction that have not run."""
        if self.is_settled:
            return
        self._active.leave()
        is_made = self._outcome.is_made
        calls = self._block.end(commit=is_made is not False)
        reason = _UNKNOWN if is_made is None else _INTERRUPTED
        abandon_calls(calls, reason, is_made=is_made is not None)
        self._set_settled()
