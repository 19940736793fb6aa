"""Engines for the event loops in which receivers are called.

The connections of an async driver belong to one event loop. So each loop has engines of its own, whose
connections are kept for the next call and closed before the loop ends.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from clarion._core.fork import new_lock
from clarion.integrations.sqlalchemy.outbox.engines import own_engine

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sqlalchemy import Engine


class LoopEngines:
    """The engines of each event loop, by the engines of the program."""

    def __init__(self) -> None:
        self._lock = new_lock()
        self._known: WeakKeyDictionary[asyncio.AbstractEventLoop, _Kept] = WeakKeyDictionary()

    def engine_for(self, engine: Engine) -> Engine:
        """Return an engine like this one for the event loop that runs in this thread."""
        loop = asyncio.get_running_loop()
        with self._lock:
            kept = self._known.get(loop)
        if kept is None:
            kept = _Kept()
            with self._lock:
                self._known[loop] = kept
        return kept.engine_for(engine)


class _Kept:
    """The engines of one event loop, until it ends."""

    def __init__(self) -> None:
        self._engines: dict[Engine, Engine] = {}
        # A loop closes the async generators that have begun in it, before it ends.
        self._end = self._dispose_at_end()
        with suppress(StopIteration):  # how `send` returns what the generator yields
            begun: Any = self._end.__anext__()
            begun.send(None)

    def engine_for(self, engine: Engine) -> Engine:
        """Return the engine like this one."""
        made = self._engines.get(engine)
        if made is None:
            made = self._engines[engine] = own_engine(engine, keeps_idle=True)
        return made

    async def _dispose_at_end(self) -> AsyncGenerator[None]:
        from sqlalchemy.ext.asyncio import AsyncEngine

        try:
            yield
        finally:
            made, self._engines = self._engines, {}
            for each in made.values():
                await AsyncEngine(each).dispose()
