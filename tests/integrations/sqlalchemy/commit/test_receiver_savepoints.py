"""A robust send with a savepoint around each receiver, in sessions."""

import asyncio

import pytest
from sqlalchemy import create_engine, insert, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from clarion.commit import savepoints
from clarion.errors import BoundaryError
from clarion.integrations.sqlalchemy import bound
from tests.integrations.sqlalchemy.commit.paid import paid
from tests.integrations.sqlalchemy.commit.test_outer_savepoints import (
    ASYNC_ENGINES,
    ENGINES,
    url,  # noqa: F401  # pyright: ignore[reportUnusedImport]
)
from tests.integrations.sqlalchemy.shop import Base, Tag


def connect(session, add):
    """Connect receivers that write in a session: two fail, and one does not."""

    def fail(sender, **kwargs):
        add(10)
        add(1)

    def fail_later(sender, **kwargs):
        session.add(Tag(id=1, name="again"))  # at the flush of the savepoint

    def swallow(sender, **kwargs):
        try:
            add(1)
        except Exception:  # noqa: BLE001
            return "hidden"

    def write(sender, **kwargs):
        add(20)

    for each in (fail, fail_later, swallow, write):
        paid.connect(each, weak=False)


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("url", ENGINES, indirect=True)
def test_failing_receiver_undoes_its_own_writes(url, is_open, kind):  # noqa: F811
    """A failing receiver undoes its own writes, and the transaction of the session goes on."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add(Tag(id=1, name="t"))
    with kind(engine) as session, bound(session):

        def add(key):
            session.connection().execute(insert(Tag).values(id=key, name="x"))

        connect(session, add)
        if is_open:
            session.add(Tag(id=2, name="kept"))
            session.flush()
        responses = [each for _, each in savepoints(paid).send_robust(None)]
        assert [isinstance(each, Exception) for each in responses][:2] == [True, True]
        assert responses[3] is None
        session.commit()
        found = sorted(session.scalars(select(Tag.id)))
        assert found == ([1, 2, 20] if is_open else [1, 20])
    engine.dispose()


def test_scoped_session(engine):
    """Savepoints are set in the session of the scope, and none where the scope has no session."""
    sessions = scoped_session(sessionmaker(engine))
    with bound(sessions):
        savepoints(paid).send_robust(None)
        assert not sessions.registry.has()
        sessions().begin()
        paid.connect(lambda sender, **kw: sessions().add(Tag(id=1, name="t")), weak=False)
        savepoints(paid).send_robust(None)
        assert sessions().get(Tag, 1) is not None
    sessions.remove()


@pytest.mark.parametrize("url", ASYNC_ENGINES, indirect=True)
def test_async_sessions(url):  # noqa: F811
    """Async receivers use the session with its savepoints one after another."""
    results = []

    async def main():
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(engine) as session, bound(session):

            async def fail(sender, **kwargs):
                session.add(Tag(id=10, name="gone"))
                await session.flush()
                session.add(Tag(id=1, name="again"))
                await session.flush()

            async def write(sender, **kwargs):
                session.add(Tag(id=20, name="kept"))
                await session.flush()

            async def write_too(sender, **kwargs):
                session.add(Tag(id=30, name="kept"))

            for each in (fail, write, write_too):
                paid.connect(each)
            session.add(Tag(id=1, name="t"))
            await session.flush()
            with pytest.raises(BoundaryError, match=r"Use asend_robust\(\)"):
                savepoints(paid).send_robust(None)
            responses = await savepoints(paid).asend_robust(None)
            results.append([isinstance(each, Exception) for _, each in responses])
            await session.commit()
            results.append(sorted(await session.scalars(select(Tag.id))))
        await engine.dispose()

    asyncio.run(main())
    assert results == [[True, False, False], [1, 20, 30]]
