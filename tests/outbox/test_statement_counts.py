"""How many statements a send costs, at each boundary: see `statement_counts`."""

import asyncio

import pytest

from clarion import Signal, durable
from clarion.commit import atomic
from tests.outbox.databases import outbox_on
from tests.outbox.families import (
    ASYNC,
    SYNC,
    address_of,
    engine_options,
    need_driver,
    run,
    sqlalchemy_url,
)
from tests.outbox.statement_counts import RECEIVERS, by_name, check, recorded_sends


def signals():
    """Yield a number of receivers, and a signal with so many."""
    for number in RECEIVERS:
        signal = Signal(name=f"shop.paid{number}")
        for place in range(number):
            signal.connect(
                lambda sender, **kw: None, weak=False, delivery=durable(name=f"r{number}.{place}")
            )
        yield number, signal


@pytest.fixture(scope="module")
def outboxes(tmp_path_factory):
    """Yield a function that returns the outbox of a kind of database, one for the module."""
    opened, blocks = {}, []

    def outbox(kind):
        if kind not in opened:
            block = outbox_on(kind, tmp_path_factory.mktemp("counts"))
            opened[kind] = block.__enter__()
            blocks.append(block)
        return opened[kind]

    yield outbox
    for block in blocks:
        block.__exit__(None, None, None)


@pytest.mark.parametrize("family", SYNC)
def test_sends_in_a_block(family, outboxes):
    """The count is the same for every number of receivers and every driver of a database."""
    with family.opened(address_of(outboxes(family.database))) as connection:
        for number, signal in signals():
            with recorded_sends() as names, atomic(connection):
                signal.send("web")
            check("send", f"{family.database}, {number} receivers", by_name(names))


@pytest.mark.parametrize("family", ASYNC)
def test_sends_in_an_async_block(family, outboxes):
    """The count on async drivers equals that on sync ones."""

    async def main(connection):
        for number, signal in signals():
            with recorded_sends() as names:
                async with atomic(connection):
                    await signal.asend("web")
            check("send", f"{family.database}, {number} receivers", by_name(names))

    run(family, outboxes(family.database), main)


SESSIONS = {
    "sqlite+pysqlite": "sqlite",
    "postgresql+psycopg": "postgresql",
    "mysql+pymysql": "mariadb",
}
ASYNC_SESSIONS = {
    "sqlite+aiosqlite": "sqlite",
    "postgresql+psycopg": "postgresql",
    "postgresql+asyncpg": "postgresql",
    "mysql+asyncmy": "mariadb",
    "mysql+aiomysql": "mariadb",
}


@pytest.mark.parametrize("driver", SESSIONS)
def test_sends_in_a_session(driver, outboxes):
    """A send in a Session has the count of an atomic block."""
    sqlalchemy = pytest.importorskip("sqlalchemy")
    orm = pytest.importorskip("sqlalchemy.orm")
    need_driver(driver)
    address = address_of(outboxes(SESSIONS[driver]))
    engine = sqlalchemy.create_engine(
        sqlalchemy_url(driver, address), **engine_options(driver, address)
    )
    for number, signal in signals():
        with recorded_sends() as names, orm.Session(engine) as session, session.begin():
            signal.send("web", session=session)
        check("send", f"{SESSIONS[driver]}, {number} receivers", by_name(names))
    engine.dispose()


@pytest.mark.parametrize("driver", ASYNC_SESSIONS)
def test_sends_in_an_async_session(driver, outboxes):
    """So has one in an AsyncSession."""
    pytest.importorskip("sqlalchemy")
    aio = pytest.importorskip("sqlalchemy.ext.asyncio")
    need_driver(driver)
    address = address_of(outboxes(ASYNC_SESSIONS[driver]))

    async def main():
        engine = aio.create_async_engine(
            sqlalchemy_url(driver, address), **engine_options(driver, address)
        )
        for number, signal in signals():
            with recorded_sends() as names:
                async with aio.AsyncSession(engine) as session, session.begin():
                    await signal.asend("web", session=session)
            check("send", f"{ASYNC_SESSIONS[driver]}, {number} receivers", by_name(names))
        await engine.dispose()

    asyncio.run(main())
