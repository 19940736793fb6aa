"""The engines of event loops keep their connections until the loop ends."""

import asyncio

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from clarion.integrations.sqlalchemy.outbox.loop_engines import LoopEngines

pytest.importorskip("aiosqlite")


class Counted:
    """An async engine of a file, and how many connections were opened and closed."""

    def __init__(self, path, **options):
        self.source = create_async_engine(f"sqlite+aiosqlite:///{path}", **options)
        self.opened = self.closed = 0
        event.listen(self.source.sync_engine, "connect", self._open)
        event.listen(self.source.sync_engine, "close", self._close)

    def _open(self, *_):
        self.opened += 1

    def _close(self, *_):
        self.closed += 1


async def use(engines, counted):
    """Use a connection for the loop that runs."""
    engine = AsyncEngine(engines.engine_for(counted.source.sync_engine))
    async with engine.begin() as connection:
        await connection.execute(text("SELECT 1"))


def test_a_loop_keeps_its_connections_until_it_ends(tmp_path):
    """An event loop keeps its connections until it ends, and shares none with another loop."""
    engines, counted = LoopEngines(), Counted(tmp_path / "a.db")

    async def main():
        for _ in range(3):
            await use(engines, counted)
        assert (counted.opened, counted.closed) == (before + 1, before)
        await asyncio.gather(*[use(engines, counted) for _ in range(3)])

    before = 0
    asyncio.run(main())
    assert 1 <= counted.opened == counted.closed <= 3
    before = counted.opened
    asyncio.run(main())
    assert before < counted.opened == counted.closed


def test_a_pool_of_one_does_not_limit_the_receivers(tmp_path):
    """A pool of one does not make receivers wait, because waiting would count as a failure."""
    engines = LoopEngines()
    counted = Counted(tmp_path / "a.db", pool_size=1, max_overflow=0, pool_timeout=0)

    async def main():
        engine = AsyncEngine(engines.engine_for(counted.source.sync_engine))
        opened = [await engine.connect() for _ in range(8)]
        for each in opened:
            await each.close()
        assert counted.closed == 3  # five are kept

    asyncio.run(main())
    assert counted.opened == counted.closed == 8


def test_a_program_that_keeps_no_connections_keeps_none_here(tmp_path):
    """For a program with NullPool, as with a pooler before the server, no connection is kept."""
    engines, counted = LoopEngines(), Counted(tmp_path / "a.db", poolclass=NullPool)

    async def main():
        await use(engines, counted)
        await use(engines, counted)
        assert counted.opened == counted.closed == 2

    asyncio.run(main())
