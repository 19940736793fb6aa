"""atomic(): a boundary for plain Python, and for connections that no framework manages."""

from __future__ import annotations

import sys
from collections import deque
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import ref

from clarion._core.block_end import AsyncBlock
from clarion._core.decorated import decorated
from clarion._core.fork import new_lock
from clarion._core.names import value_name
from clarion._core.unentered import Enterable
from clarion.commit.boundary import ActiveBoundary, Boundary, active_boundaries, is_innermost
from clarion.commit.drivers.choose import driver_for, package_of
from clarion.commit.drivers.outcome import CommitOutcome
from clarion.commit.entered import Entered
from clarion.commit.outer_savepoint import acall_in_savepoint, call_in_savepoint
from clarion.commit.run import drop_calls, run_call
from clarion.errors import ArgumentError, BoundaryError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Sequence
    from contextlib import AbstractContextManager
    from typing import Self

    from clarion.commit.drivers.base import Driver
    from clarion.commit.pending_call import OpenSavepoint, PendingCall

F = TypeVar("F", bound="Callable[..., Any]")

# The blocks around a test, which `clarion.testing.commits` ignores.
_ignored: ContextVar[frozenset[AtomicBlock]] = ContextVar("clarion_ignored", default=frozenset())


class AtomicBlock(Boundary):
    """One entered `atomic()` block: a transaction, or a savepoint in one.

    Attributes:
        outer: the block that this one is a savepoint of; None for a transaction.
        outermost: the block that is the transaction.
        connection: the connection of the transaction; None once it has ended.
        calls: the calls that wait for its end.
        failed_savepoints: the savepoints in this transaction whose rollback failed.
        savepoint_count: how many savepoints this transaction has had.
        is_awaited: whether it was entered by `async with`.
        is_over: whether it has ended.
        is_rolled_back: whether it ended with a rollback.
        driver: the driver, if code can set savepoints on the connection that it knows of.
        savepoint: its own savepoint, as the driver made it; None for a transaction.
        around: the savepoints of user code in which it began.
    """

    def __init__(self, connection: Any, outer: AtomicBlock | None, *, is_awaited: bool) -> None:
        self.connection = connection
        self.outer = outer
        self.outermost: AtomicBlock = self if outer is None else outer.outermost
        self.calls: deque[PendingCall] = deque()
        self.failed_savepoints: list[str] = []
        self.savepoint_count = 0
        self.is_awaited = is_awaited
        self.is_over = False
        self.is_rolled_back = False
        self.driver: Driver | None = None
        self.savepoint: object = None
        # Kept, not searched for at each send: blocks may be nested a thousand deep.
        self.around: Sequence[OpenSavepoint] = () if outer is None else outer.open_savepoints()
        self._connection_type: Any = type(connection)  # mypy does not know that a class is hashable
        # Reentrant: an interrupt may come before the block of a `with` is entered.
        self._lock = new_lock()

    @property
    def name(self) -> str:  # type: ignore[override]
        """How messages name it."""
        package = package_of(self._connection_type)
        return f"an atomic() block on a connection of {package}" if package else "an atomic() block"

    def next_savepoint(self) -> str:
        """Return a name that no other savepoint of this transaction has."""
        outermost = self.outermost
        outermost.savepoint_count += 1
        return f"clarion_{outermost.savepoint_count}"

    def is_open(self) -> bool:
        """Return whether it has not ended, and is not around a test."""
        return not self.is_over and self not in _ignored.get()

    def can_await(self) -> bool:
        """Return whether the end of its transaction is awaited."""
        ignored = _ignored.get()
        block = self if ignored else self.outermost
        while block.outer is not None and block.outer not in ignored:
            block = block.outer
        return block.is_awaited

    def add_call(self, call: PendingCall) -> None:
        """Keep a call until the innermost open savepoint ends, or the block."""
        block = self.innermost()
        if block.try_pass([call]):
            return
        # Another thread has ended the block since is_open() was called.
        for each in block.release([call]):
            run_call(each)

    def try_pass(self, calls: Collection[PendingCall]) -> bool:
        """Keep calls as `try_add`, and note the savepoints of user code that are open now."""
        if self.driver is not None and (found := self.open_savepoints()):
            for call in calls:
                call.savepoints = [*call.savepoints, *found]
        return self.try_add(calls)

    def open_savepoints(self) -> Sequence[OpenSavepoint]:
        """Return the open savepoints that user code has set in this transaction."""
        if self.driver is None:
            return ()
        inside: Sequence[OpenSavepoint] = self.driver.open_savepoints(self.savepoint)
        return [*self.around, *inside] if inside else self.around

    def try_add(self, calls: Collection[PendingCall]) -> bool:
        """Keep calls until the block ends; return whether it has not ended already."""
        with self._lock:
            if self.is_over:
                return False
            if calls is self.calls:
                return True
            if isinstance(calls, deque) and len(calls) > len(self.calls):
                # The shorter is moved, so that deep savepoints do not move each call each time.
                calls.extendleft(reversed(self.calls))
                self.calls = calls
            else:
                self.calls.extend(calls)
            return True

    def end(self, *, commit: bool) -> Collection[PendingCall]:
        """End the block; return the calls to run now.

        It keeps them, because it is called again after an interrupt.

        Args:
            commit: whether it ended with a commit, or the release of a savepoint.
        """
        with self._lock:
            self.is_over = True
            self.is_rolled_back = not commit
        self.connection = self.driver = None
        return self.release(self.calls)

    def release(self, calls: Collection[PendingCall]) -> Collection[PendingCall]:
        """Pass calls of this ended block outward; return those to run now."""
        block = self
        while not block.is_rolled_back:
            outer = block.outer
            if outer is None or outer in _ignored.get():
                return calls
            # The outer block may have ended first, in another task. Its outcome decides.
            if outer.try_add(calls):
                return ()
            block = outer
        drop_calls(calls)
        return ()

    def call_receiver(self, call: PendingCall) -> Any:
        """Call a sync receiver; in a test, in a savepoint of the test's transaction."""
        function = partial(super().call_receiver, call)
        if (block := self._around()) is None:
            return function()
        return call_in_savepoint(block.connection, block.next_savepoint(), function)

    async def acall_receiver(self, call: PendingCall) -> Any:
        """Await an async receiver, as `call_receiver`."""
        function = partial(super().acall_receiver, call)
        if (block := self._around()) is None:
            return await function()
        return await acall_in_savepoint(block.connection, block.next_savepoint(), function)

    def joined_connection(self) -> Any:
        """Return the connection of the transaction; None if the block has no connection."""
        return self.connection

    def write_connection(self) -> AbstractContextManager[Any]:
        """Return a context manager that yields the connection of the transaction.

        Raises:
            BoundaryError: if the block has no connection, so it is no transaction of a database.
        """
        if self.connection is None:
            raise BoundaryError(
                "A delivery cannot be stored in an atomic() block without a connection, because the "
                "block has no database. Write atomic(connection)."
            )
        return nullcontext(self.connection)

    def _around(self) -> AtomicBlock | None:
        """Return the innermost block around this one that `commits` ignores, if it is open."""
        ignored = _ignored.get()
        block: AtomicBlock | None = self if ignored else None
        while block is not None and (block.is_over or block not in ignored):
            block = block.outer
        return block

    def innermost(self) -> AtomicBlock:
        """Return the innermost open savepoint in this transaction, or the block itself."""
        if is_innermost(self):
            return self
        for active in active_boundaries():
            block = active.boundary
            if not isinstance(block, AtomicBlock) or block.is_over:
                continue
            if block.outermost is self.outermost:
                return block
        return self


class atomic(AsyncBlock, Enterable):  # noqa: N801  # a context manager: `with atomic():`
    """Begin a transaction, whose commit runs `on_commit` receivers; inside one, a savepoint.

    It commits when the block ends normally. It rolls back when an exception leaves the block, as
    `django.db.transaction.atomic`. Without a connection it is only a boundary. Use `async with`
    for an async connection, and for async receivers. It is a decorator of functions, too.

    A signal handler may raise, as that of Ctrl-C does. If it raises between the last statement of the
    block and the first step of its end, the block is rolled back.

    Args:
        connection: a DB-API connection, one of psycopg, asyncpg or aiosqlite, or a
            `Connection` of SQLAlchemy's. It must not be in a transaction. Inside another block,
            `atomic()` without a connection is a savepoint of that block.
        using: an alias, by which sends and receivers may name it: `using="alias"`.

    Raises:
        ArgumentError: if `connection` is not a connection, or is async under a plain `with`.
        TransactionError: if the connection is already in a transaction of other code. At the
            end of the block, if it cannot commit: PostgreSQL aborts a transaction after an
            error that the block has caught, for example. The transaction is rolled back then.
    """

    def __init__(self, connection: Any = None, *, using: str | None = None) -> None:
        if isinstance(connection, (FunctionType, type)):
            raise ArgumentError(
                f"atomic() was given {value_name(connection)} as the connection. To decorate a function, "
                f"write @atomic() or @atomic(connection).",
                ["connection"],
            )
        self._connection = connection
        self._using = using
        self._last_entered: ref[Entered] | None = None
        self.unentered = "atomic()"

    def __call__(self, function: F) -> F:
        """Decorate a function: each call, or each await of an async one, is a block of its own.

        Raises:
            ArgumentError: if it is a class or a generator, whose body runs later.
        """
        self.unentered = None

        def block() -> atomic:
            return atomic(self._connection, using=self._using)

        return cast("F", decorated(function, "atomic()", block, block))

    def __enter__(self) -> Self:
        entering = self._begin(is_awaited=False)
        try:
            self.keep(entering)
            entering.begin()
        except BaseException as error:
            entering.give_up(error)
            self.drop(entering)
            raise
        return self

    async def __aenter__(self) -> Self:
        entering = self._begin(is_awaited=True)
        try:
            self.keep(entering)
            await entering.abegin()
        except BaseException as error:
            await entering.agive_up(error)
            self.drop(entering)
            raise
        return self

    def drop(self, entry: Any) -> None:
        """Forget an entry that could not begin, so that the block can be entered again."""
        super().drop(entry)
        self._last_entered = None

    def _begin(self, *, is_awaited: bool) -> Entered:
        self.unentered = None
        if (entered := self._entered) is not None and not entered.is_settled:
            raise ArgumentError(
                "This atomic() block is already entered. Call atomic(...) again for each block."
            )
        outer = self._outer()
        connection = self._connection if outer is None else outer.connection
        driver = driver_for(connection)
        driver.check_awaited(awaited=is_awaited)
        block = AtomicBlock(connection, outer, is_awaited=is_awaited)
        outcome = CommitOutcome(sys.exception())
        failed = block.outermost.failed_savepoints
        if outer is not None:
            manager: Any = driver.savepoint(outer.next_savepoint(), failed)
        else:
            driver.check_idle()
            manager = driver.transaction(failed, outcome)
        if driver.knows_savepoints:
            # Others are generators, which roll back when they are freed: the block keeps none.
            block.driver, block.savepoint = driver, None if outer is None else manager
        entered = Entered(block, ActiveBoundary(block, self._using), driver, manager, outcome)
        self._last_entered = ref(entered)
        return entered

    @property
    def _entered(self) -> Entered | None:
        return None if self._last_entered is None else self._last_entered()

    def _outer(self) -> AtomicBlock | None:
        """Return the block that this one is a savepoint of."""
        for active in active_boundaries():
            block = active.boundary
            if not isinstance(block, AtomicBlock) or block.is_over:
                continue
            if self._connection is None:
                if self._using in (None, active.alias):
                    # The block of an alias may contain savepoints already.
                    return block.innermost()
            elif block.connection is self._connection:
                return block
        return None


@contextmanager
def ignore_outer() -> Generator[None]:
    """Count the blocks around this one as absent (`clarion.testing.commits`)."""
    before = _ignored.get()
    outer = (active.boundary for active in active_boundaries())
    _ignored.set(before.union(block for block in outer if isinstance(block, AtomicBlock)))
    try:
        yield
    finally:
        _ignored.set(before)
