"""atomic(): a boundary for plain Python, and for connections that no framework looks after."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import TYPE_CHECKING, Any

from clarion.commit import connections
from clarion.commit.boundary import ActiveBoundary, Boundary, active_boundaries, is_innermost
from clarion.commit.pending_call import adrain, drain, drop
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Self

    from clarion.commit.pending_call import PendingCall

# The blocks around a test, which count as absent (`clarion.testing.commits`).
_absent: ContextVar[frozenset[Block]] = ContextVar("clarion_absent", default=frozenset())


class Block(Boundary):
    """One `atomic()` block that has been entered: a transaction, or a savepoint in one.

    Attributes:
        outer: the block that this one is a savepoint of; None for a transaction.
        connection: what the transaction is on; None once it has ended.
        is_over: whether it has ended.
        dues: what waits for its end.
        lost: the savepoints in this transaction that could not be rolled back.
    """

    def __init__(self, connection: Any, outer: Block | None, *, awaited: bool) -> None:
        self.connection = connection
        self.outer = outer
        self.is_over = False
        self.calls: list[PendingCall] = []
        self.lost: list[str] = []
        self._kind: type[Any] = type(connection)
        self._awaited = awaited
        self._savepoints = 0
        self._is_rolled_back = False
        self._lock = Lock()

    @property
    def name(self) -> str:  # type: ignore[override]
        """What to call it."""
        if self._kind is type(None):
            return "an atomic() block"
        return f"an atomic() block on a connection of {self._kind.__module__.partition('.')[0]}"

    @property
    def outermost(self) -> Block:
        """The block that is the transaction."""
        block = self
        while block.outer is not None:
            block = block.outer
        return block

    def next_savepoint(self) -> str:
        """Return a name that no other savepoint of this transaction has."""
        outermost = self.outermost
        outermost._savepoints += 1
        return f"clarion_{outermost._savepoints}"

    def is_open(self) -> bool:
        """Tell whether it has not ended, and is not around a test."""
        return not self.is_over and self not in _absent.get()

    def can_await(self) -> bool:
        """Tell whether its end is awaited: the end of the transaction, if it is a savepoint."""
        block = self
        while block.outer is not None and block.outer not in _absent.get():
            block = block.outer
        return block._awaited

    def after_commit(self, call: PendingCall) -> None:
        """Keep a call until the block ends, or the savepoint in it that is open here."""
        block = self.innermost()
        if block.keeps([call]):
            return
        # It has ended since it was found to be open, in another thread.
        for each in block._passed_on([call]):
            each.run()

    def ended(self, *, well: bool) -> list[PendingCall]:
        """End the block; return what has become true."""
        with self._lock:
            self.is_over = True
            self._is_rolled_back = not well
            calls, self.calls = self.calls, []
        self.connection = None
        return self._passed_on(calls)

    def innermost(self) -> Block:
        """Return the savepoint in this transaction that is open here; the block, if none is."""
        if is_innermost(self):
            return self
        for scope in active_boundaries():
            block = scope.boundary
            if isinstance(block, Block) and not block.is_over and block.outermost is self.outermost:
                return block
        return self

    def keeps(self, calls: list[PendingCall]) -> bool:
        """Keep calls until the block ends; tell whether it has not ended already."""
        with self._lock:
            if not self.is_over:
                self.calls += calls
            return not self.is_over

    def _passed_on(self, calls: list[PendingCall]) -> list[PendingCall]:
        """Hand what has waited for this block, which is over, outward; return what is true."""
        block = self
        while not block._is_rolled_back:
            outer = block.outer
            if outer is None or outer in _absent.get():
                return calls
            # One that has ended before its savepoint, in another task, counts as it ended.
            if outer.keeps(calls):
                return []
            block = outer
        drop(calls)
        return []


class atomic:  # noqa: N801  # it reads as a word: `with atomic():`
    """Begin a transaction, at whose commit `on_commit` receivers run; inside one, a savepoint.

    It commits when the block ends well, and rolls back when an exception leaves it, as
    `django.db.transaction.atomic`. Without a connection nothing is begun but the boundary.
    Use `async with` for an async connection, and for async receivers.

    Args:
        connection: a DB-API connection, one of psycopg, asyncpg or aiosqlite, or a
            `Connection` of SQLAlchemy's, in no transaction. Without one, inside another
            block, it is a savepoint of that one.
        using: an alias, by which sends and receivers may name it: `using="alias"`.

    Raises:
        ArgumentError: if that is no connection, or an async one given to `with`.
        TransactionError: if the connection is in a transaction that was not begun so. At the
            end of the block, if there is nothing left to commit: an error that the block has
            caught makes PostgreSQL abort a transaction, say. It is rolled back then.
    """

    def __init__(self, connection: Any = None, *, using: str | None = None) -> None:
        self._connection = connection
        self._using = using
        self._entered: tuple[Block, ActiveBoundary, Any] | None = None

    def __enter__(self) -> Self:
        block, manager = self._begun(awaited=False)
        manager.__enter__()
        self._enter(block, manager)
        return self

    def __exit__(self, *error: object) -> None:
        block, scope, manager = self._left()
        # In force until the commit is made: what is sent amid it waits for it, too.
        try:
            manager.__exit__(*error)
        except BaseException:
            block.ended(well=False)
            raise
        finally:
            scope.leave()
        drain(block.ended(well=error[0] is None))

    async def __aenter__(self) -> Self:
        block, manager = self._begun(awaited=True)
        await manager.__aenter__()
        self._enter(block, manager)
        return self

    async def __aexit__(self, *error: object) -> None:
        block, scope, manager = self._left()
        try:
            await manager.__aexit__(*error)
        except BaseException:
            block.ended(well=False)
            raise
        finally:
            scope.leave()
        await adrain(block.ended(well=error[0] is None))

    def _begun(self, *, awaited: bool) -> tuple[Block, Any]:
        if self._entered is not None:
            raise ArgumentError(
                "This atomic() block is entered already. Write atomic(...) anew for each block."
            )
        outer = self._outer()
        if outer is None:
            connections.check(self._connection, awaited=awaited)
            block = Block(self._connection, None, awaited=awaited)
            return block, connections.transaction(block.connection, block.lost)
        connections.check_way(outer.connection, awaited=awaited)
        block = Block(outer.connection, outer, awaited=awaited)
        name = outer.next_savepoint()
        return block, connections.savepoint(block.connection, name, block.outermost.lost)

    def _outer(self) -> Block | None:
        """Return the block that this one would be a savepoint of."""
        for scope in active_boundaries():
            block = scope.boundary
            if not isinstance(block, Block) or block.is_over:
                continue
            if self._connection is None:
                if self._using in (None, scope.alias):
                    # An alias may name one that has savepoints in it already.
                    return block.innermost()
            elif block.connection is self._connection:
                return block
        return None

    def _enter(self, block: Block, manager: Any) -> None:
        scope = ActiveBoundary(block, self._using)
        scope.enter()
        self._entered = block, scope, manager

    def _left(self) -> tuple[Block, ActiveBoundary, Any]:
        assert self._entered is not None, "left before it was entered"  # noqa: S101
        entered, self._entered = self._entered, None
        return entered


@contextmanager
def ignore_outer() -> Generator[None]:
    """Count the blocks around this one as absent (`clarion.testing.commits`)."""
    before = _absent.get()
    around = (scope.boundary for scope in active_boundaries())
    _absent.set(before.union(block for block in around if isinstance(block, Block)))
    try:
        yield
    finally:
        _absent.set(before)
