"""The async connections of one event loop, for short transactions."""

from __future__ import annotations

from collections import deque
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from clarion.outbox.pool import MOST_IDLE, settings_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable


class AsyncPool:
    """Opens async connections, and keeps a few that are idle.

    A connection belongs to the event loop in which it was opened. So each loop needs a pool of its own.

    Args:
        connect: opens a connection in autocommit mode. It must have the methods `transaction`,
            `execute` and `close` of psycopg, and its attribute `closed`.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]]) -> None:
        self._connect = connect
        self._idle: deque[Any] = deque()
        self._busy: set[Any] = set()
        self._is_closed = False
        self._settings = settings_of(None)

    @property
    def idle(self) -> int:
        """The number of idle connections."""
        return len(self._idle)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Any]:
        """Yield a connection in a transaction, which commits at the end of the block."""
        connection, block = await self._begin()
        try:
            async with block:
                yield connection
                if connection.closed:  # psycopg would leave the block without an error
                    await connection.execute("COMMIT")
        except BaseException:  # its state is unknown, also after a cancellation
            await self._close(connection)
            raise
        await self._give_back(connection)

    async def _begin(self) -> tuple[Any, AsyncExitStack]:
        """Begin a transaction on an idle connection that still works, or on a new one."""
        while True:
            is_new = not self._idle
            connection = await self._open() if is_new else self._idle.pop()
            self._busy.add(connection)
            block = AsyncExitStack()
            try:
                await block.enter_async_context(connection.transaction())
            except BaseException as error:
                await self._close(connection)
                # The server has closed an idle connection: its first statement fails.
                if is_new or not isinstance(error, Exception):
                    raise
            else:
                return connection, block

    async def _open(self) -> Any:
        connection = await self._connect()
        self._settings = settings_of(connection)
        return connection

    async def _give_back(self, connection: Any) -> None:
        is_usable = not (self._is_closed or connection.closed)
        # A receiver may have changed the connection. The next one does not expect that.
        if is_usable and len(self._idle) < MOST_IDLE and settings_of(connection) == self._settings:
            self._busy.discard(connection)
            self._idle.append(connection)
        else:
            await self._close(connection)

    async def _close(self, connection: Any) -> None:
        self._busy.discard(connection)
        await connection.close()

    async def aclose(self) -> None:
        """Close all connections, also those of receivers that never return."""
        self._is_closed = True
        for connection in (*self._idle, *self._busy):
            await self._close(connection)
        self._idle.clear()
