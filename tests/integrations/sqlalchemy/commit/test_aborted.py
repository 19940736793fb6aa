"""A COMMIT that PostgreSQL answers with a rollback, because an error was passed before."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from clarion import Signal, on_commit
from clarion.errors import TransactionError
from clarion.integrations.sqlalchemy import bound
from tests.integrations.sqlalchemy.conftest import with_driver

pytestmark = pytest.mark.service


@pytest.fixture
def paid():
    """Return a signal, and what its receiver has noted after commits."""
    signal, ran = Signal(name="shop.paid"), []

    def mail(sender, **kwargs):
        ran.append(sender)

    signal.connect(mail, weak=False, delivery=on_commit)
    return signal, ran


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_the_commit_of_an_aborted_transaction_fails(postgres, paid, driver):
    """The receivers are discarded, and the session can be used again after a rollback."""
    pytest.importorskip(driver)
    signal, ran = paid
    engine = create_engine(with_driver(postgres, f"postgresql+{driver}"))
    with Session(engine) as session, bound(session):
        session.execute(text("SELECT 1"))
        signal.send("aborted")
        with suppress(DBAPIError):
            session.execute(text("SELECT * FROM nowhere"))
        with pytest.raises(TransactionError, match="transaction of a session was aborted"):
            session.commit()
        session.rollback()
        session.execute(text("SELECT 1"))
        signal.send("saved")
        with suppress(DBAPIError), session.begin_nested():
            session.execute(text("SELECT * FROM nowhere"))
        session.commit()
    engine.dispose()
    assert ran == ["saved"]


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_the_commit_of_an_async_session_fails_too(postgres, paid, driver):
    """asyncpg does not say that a transaction is aborted. SQLAlchemy's listeners get no statement more."""
    pytest.importorskip(driver)
    signal, ran = paid
    statements: list[str] = []

    async def run():
        engine = create_async_engine(with_driver(postgres, f"postgresql+{driver}"))
        event.listen(
            engine.sync_engine,
            "before_cursor_execute",
            lambda connection, cursor, statement, *_: statements.append(statement),
        )
        for sender, statement in (("aborted", "SELECT * FROM nowhere"), ("made", "SELECT 2")):
            async with AsyncSession(engine) as session:
                with bound(session):
                    await session.execute(text("SELECT 1"))
                    await signal.asend(sender)
                    with suppress(DBAPIError):
                        await session.execute(text(statement))
                    if sender == "made":
                        await session.commit()
                    else:
                        with pytest.raises(TransactionError, match="of a session was aborted"):
                            await session.commit()
        await engine.dispose()

    asyncio.run(run())
    assert ran == ["made"]
    assert statements[-2:] == ["SELECT 1", "SELECT 2"]
