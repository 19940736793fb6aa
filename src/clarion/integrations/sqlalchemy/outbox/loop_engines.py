"""Engines for the event loops in which receivers are called.

The connections of an async driver belong to one event loop. So each loop has engines of its own, whose
connections are kept for the next call and closed before the loop ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion.integrations.sqlalchemy.outbox.engines import own_engine
from clarion.outbox.per_loop import PerLoop

if TYPE_CHECKING:
    from sqlalchemy import Engine


class LoopEngines:
    """The engines of each event loop, by the engines of the program."""

    def __init__(self) -> None:
        self._engines = PerLoop(_Engines)

    def engine_for(self, engine: Engine) -> Engine:
        """Return an engine like this one for the event loop that runs in this thread."""
        return self._engines.get().engine_for(engine)


class _Engines:
    """The engines of one event loop."""

    def __init__(self) -> None:
        self._made: dict[Engine, Engine] = {}

    def engine_for(self, engine: Engine) -> Engine:
        """Return the engine like this one."""
        made = self._made.get(engine)
        if made is None:
            made = self._made[engine] = own_engine(engine, keeps_idle=True)
        return made

    async def aclose(self) -> None:
        """Close the connections."""
        from sqlalchemy.ext.asyncio import AsyncEngine

        made, self._made = self._made, {}
        for each in made.values():
            await AsyncEngine(each).dispose()
