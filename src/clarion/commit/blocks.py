"""atomic(): a boundary for plain Python, and for connections that no framework looks after."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from clarion.commit import connections
from clarion.commit.boundary import Boundary, Door, Scope, open_door, scopes
from clarion.commit.due import adrain, drain, drop
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Self

    from clarion.commit.due import Due

# The blocks around a test, which count as absent (`clarion.testing.commits`).
_absent: ContextVar[frozenset[Block]] = ContextVar("clarion_absent", default=frozenset())


class Block(Boundary):
    """One `atomic()` block that has been entered: a transaction, or a savepoint in one.

    Attributes:
        outer: the block that this one is a savepoint of; None for a transaction.
        connection: what the transaction is on.
        is_over: whether it has ended.
        dues: what waits for its end.
    """

    def __init__(self, connection: Any, outer: Block | None, *, awaited: bool) -> None:
        self.connection = connection
        self.outer = outer
        self.is_over = False
        self.dues: list[Due] = []
        self._awaited = awaited
        self._savepoints = 0

    @property
    def name(self) -> str:  # type: ignore[override]
        """What to call it."""
        if self.connection is None:
            return "an atomic() block"
        kind = type(self.connection)
        return f"an atomic() block on a connection of {kind.__module__.partition('.')[0]}"

    def next_savepoint(self) -> str:
        """Return a name that no other savepoint of this transaction has."""
        root = self
        while root.outer is not None:
            root = root.outer
        root._savepoints += 1
        return f"clarion_{root._savepoints}"

    def is_open(self) -> bool:
        """Tell whether it has not ended, and is not around a test."""
        return not self.is_over and self not in _absent.get()

    def can_await(self) -> bool:
        """Tell whether its end is awaited: the end of the transaction, if it is a savepoint."""
        block = self
        while block.outer is not None and block.outer not in _absent.get():
            block = block.outer
        return block._awaited

    def after_commit(self, due: Due) -> None:
        """Keep a call until the block ends."""
        self.dues.append(due)

    def ended(self, *, well: bool) -> list[Due]:
        """End the block; return what has become true."""
        self.is_over = True
        dues, self.dues = self.dues, []
        if not well:
            drop(dues)
        elif self.outer is None or self.outer in _absent.get():
            return dues
        else:
            self.outer.dues += dues
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
        TransactionError: if the connection is in a transaction that was not begun so.
    """

    def __init__(self, connection: Any = None, *, using: str | None = None) -> None:
        self._connection = connection
        self._using = using
        self._entered: tuple[Block, Scope, Any] | None = None

    def __enter__(self) -> Self:
        block, manager = self._begun(awaited=False)
        manager.__enter__()
        self._enter(block, manager)
        return self

    def __exit__(self, *error: object) -> None:
        block, manager = self._leave()
        try:
            manager.__exit__(*error)
        except BaseException:
            block.ended(well=False)
            raise
        drain(block.ended(well=error[0] is None))

    async def __aenter__(self) -> Self:
        block, manager = self._begun(awaited=True)
        await manager.__aenter__()
        self._enter(block, manager)
        return self

    async def __aexit__(self, *error: object) -> None:
        block, manager = self._leave()
        try:
            await manager.__aexit__(*error)
        except BaseException:
            block.ended(well=False)
            raise
        await adrain(block.ended(well=error[0] is None))

    def _begun(self, *, awaited: bool) -> tuple[Block, Any]:
        if self._entered is not None:
            raise ArgumentError(
                "This atomic() block is entered already. Write atomic(...) anew for each block."
            )
        outer = self._outer()
        if outer is None:
            connections.check(self._connection, awaited=awaited)
            connection, savepoint = self._connection, ""
        else:
            connection, savepoint = outer.connection, outer.next_savepoint()
            if connection is not None and connections.is_async(connection) != awaited:
                connections.check(connection, awaited=awaited)
        block = Block(connection, outer, awaited=awaited)
        return block, connections.block(connection, savepoint)

    def _outer(self) -> Block | None:
        """Return the block that this one would be a savepoint of."""
        for scope in scopes():
            block = scope.boundary
            if not isinstance(block, Block) or block.is_over:
                continue
            if self._connection is None:
                if self._using in (None, scope.alias):
                    return block
            elif block.connection is self._connection:
                return block
        return None

    def _enter(self, block: Block, manager: Any) -> None:
        scope = Scope(block, self._using)
        scope.enter()
        self._entered = block, scope, manager

    def _leave(self) -> tuple[Block, Any]:
        assert self._entered is not None, "left before it was entered"  # noqa: S101
        block, scope, manager = self._entered
        self._entered = None
        scope.leave()
        return block, manager


class _BlockDoor(Door):
    """The blocks of a context are found without it."""

    @contextmanager
    def alone(self) -> Generator[None]:
        """Count the blocks around this one as absent."""
        before = _absent.get()
        around = (scope.boundary for scope in scopes())
        _absent.set(before.union(block for block in around if isinstance(block, Block)))
        try:
            yield
        finally:
            _absent.set(before)


open_door(_BlockDoor())
