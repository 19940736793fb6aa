"""Turns: the coroutines of an event loop use sync connections one after the other."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from clarion.outbox.per_loop import PerLoop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Turns:
    """Lets one coroutine of each event loop hold a sync transaction at a time.

    Otherwise one could block the loop while it waits for a lock of another, which could then not end.
    """

    def __init__(self) -> None:
        self._turns = PerLoop(_Turn)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Wait for the other coroutines of this loop, and keep them out of the block."""
        async with self._turns.get().lock:
            yield


class _Turn:
    """The turn of one event loop."""

    def __init__(self) -> None:
        import asyncio

        self.lock = asyncio.Lock()

    async def aclose(self) -> None:
        """Release nothing: a lock has no resources."""
