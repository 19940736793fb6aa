"""`outside` for async receivers of sends with an AsyncSession that has no transaction."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from clarion import Signal, on_commit
from clarion.errors import BoundaryError

pytest.importorskip("aiosqlite")


@pytest.mark.parametrize("name", ["asend", "asend_robust"])
@pytest.mark.parametrize("outside", ["run", "skip", "refuse"])
def test_outside_decides_only_without_a_transaction(name, outside):
    """`outside` decides before the session begins; in its transaction each receiver waits."""
    paid, calls = Signal(name="shop.paid"), []

    async def mail(**kwargs):
        calls.append(outside)

    paid.connect(mail, delivery=on_commit(outside=outside))

    async def main():
        engine = create_async_engine("sqlite+aiosqlite://")
        async with AsyncSession(engine) as session:
            try:
                [(_, response)] = await getattr(paid, name)("shop", session=session)
            except BoundaryError as error:
                response = error
            at_once = [*calls]
            await session.execute(text("SELECT 1"))
            [(_, scheduled)] = await getattr(paid, name)("shop", session=session)
            assert calls == at_once
            await session.commit()
            assert scheduled.outcome == "ran"
        await engine.dispose()
        return response, at_once

    response, at_once = asyncio.run(main())
    assert at_once == (["run"] if outside == "run" else [])
    assert isinstance(response, BoundaryError) == (outside == "refuse")
    assert getattr(response, "outcome", None) == {"run": "ran", "skip": "dropped"}.get(outside)
