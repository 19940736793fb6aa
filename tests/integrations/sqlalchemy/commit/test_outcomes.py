"""A COMMIT of a session that is interrupted, or made in one of its databases only."""

import asyncio
import gc
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, create_engine, event, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, registry
from sqlalchemy.pool import NullPool, StaticPool

from clarion import Signal, on_commit
from clarion.commit import ActiveBoundary, Boundary
from clarion.commit.drivers.outcome import CommitOutcome
from clarion.integrations.sqlalchemy import bound
from clarion.integrations.sqlalchemy.commit.transactions import TransactionCalls
from tests.commit.databases import on_postgres, table_name
from tests.commit.interrupts import (
    KINDS,
    attempts,
    check_outcome,
    interrupted_after,
    records_of_clarion,
)


def without_sync(connection, record):
    """Let SQLite not wait for the disk."""
    connection.execute("PRAGMA synchronous = OFF")


class Shop:
    """A table with a class of its own, and a receiver that runs after the commit."""

    def __init__(self, url):
        # A pool does not survive an interrupt in its own code.
        self.engine = create_engine(url, poolclass=NullPool)
        if "sqlite" in url:
            event.listen(self.engine, "connect", without_sync)
        mapper = registry(metadata=MetaData())
        self.row: Any = type(
            "Row",
            (mapper.generate_base(),),
            {"__tablename__": table_name(), "id": Column(Integer, primary_key=True)},
        )
        mapper.metadata.create_all(self.engine)
        self.metadata = mapper.metadata
        self.paid, self.ran, self.scheduled = Signal(name="shop.paid"), [], []
        self.paid.connect(self.mail, delivery=on_commit)

    def mail(self, **kwargs):
        """Note the call."""
        self.ran.append("mail")

    def send(self):
        """Send, and keep the handle of the call."""
        self.scheduled += [scheduled for _, scheduled in self.paid.send(None)]

    def stored(self):
        """Return the rows that are committed."""
        with self.engine.connect() as connection:
            return connection.execute(select(self.row.id)).all()

    def check(self, records, where):
        """Assert that the outcome decided; return whether the row is there, and delete it."""
        gc.collect()  # a session that was dropped is in a cycle
        rows = self.stored()
        with self.engine.begin() as connection:
            connection.execute(self.row.__table__.delete())
        statuses = [scheduled.status for scheduled in self.scheduled]
        check_outcome(rows, self.ran, records, statuses, where)
        self.ran.clear()
        self.scheduled.clear()
        records.clear()
        return bool(rows)

    def close(self):
        """Drop the table."""
        self.metadata.drop_all(self.engine)
        self.engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.service)])
def shop(request, tmp_path):
    """Return a shop on SQLite or PostgreSQL."""
    on_sqlite = request.param == "sqlite"
    made = Shop(f"sqlite:///{tmp_path / 'shop'}" if on_sqlite else on_postgres("psycopg"))
    yield made
    made.close()


def committed(shop, interrupt):
    """Interrupt `commit()`, and close the session."""
    with Session(shop.engine) as session, bound(session):
        session.add(shop.row(id=1))
        session.flush()
        shop.send()
        interrupt.start()
        try:
            session.commit()
        finally:
            interrupt.stop()


def begun(shop, interrupt):
    """Interrupt the end of a `begin()` block."""
    with Session(shop.engine) as session, bound(session), session.begin():
        session.add(shop.row(id=1))
        session.flush()
        shop.send()
        interrupt.start()


def sent_first(shop, interrupt):
    """Interrupt the end of a block that has sent before its session had a connection."""
    with Session(shop.engine) as session, bound(session), session.begin():
        shop.send()
        session.add(shop.row(id=1))
        session.flush()
        interrupt.start()


@pytest.mark.parametrize("step", [13, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("program", [committed, begun, sent_first])
def test_interrupted_commit(shop, program, kind, step):
    """After an interrupted COMMIT no receiver is lost without a log entry."""
    outcomes = set()
    with records_of_clarion() as records:
        run = partial(program, shop)
        for interrupt in attempts(run, kind, step=step):
            outcomes.add(shop.check(records, interrupt.where))
    assert outcomes == {True, False}


@pytest.mark.slow
def test_commits_interrupted_at_random(shop):
    """A real signal comes at a random microsecond, and no receiver is lost without a word."""
    random, interrupted, outcomes = Random(0), 0, []  # noqa: S311
    for number in range(1, 1_001):
        with records_of_clarion() as records:
            program = partial(paid, shop, number)
            interrupted += interrupted_after(random.uniform(1e-6, 3e-3), program)
            gc.collect()  # a session that was dropped is in a cycle
            statuses = [scheduled.status for scheduled in shop.scheduled]
            outcomes.append((shop.ran.copy(), records.copy(), statuses))
            shop.ran.clear()
            shop.scheduled.clear()
    # At the end, because a server may still commit what its client has given up.
    rows = {number for (number,) in shop.stored()}
    for number, (ran, records, statuses) in enumerate(outcomes, 1):
        check_outcome({number} & rows, ran, records, statuses, number)
    assert interrupted > 100


def paid(shop, number, start):
    """Start the time before the commit of a session."""
    with Session(shop.engine) as session, bound(session):
        session.add(shop.row(id=number))
        session.flush()
        shop.send()
        start()
        session.commit()


@pytest.mark.parametrize("is_committed", [True, False])
def test_session_that_is_dropped(is_committed, caplog):
    """If a session is dropped after it began a COMMIT, each call is logged as abandoned."""
    calls, ran, paid = TransactionCalls(), [], Signal(name="shop.paid")
    paid.connect(lambda **kwargs: ran.append(1), delivery=on_commit)
    boundary = Keeping(calls)
    with active(boundary):
        ((_, scheduled),) = paid.send(None)
    calls.is_committed = is_committed
    calls.outcomes = {"a connection": CommitOutcome()}
    calls.outcomes["a connection"].is_begun = True
    del calls, boundary.calls
    assert scheduled.status == "abandoned"
    assert ran == []
    assert "does not run after the commit" in caplog.text


class Keeping(Boundary):
    """Keeps its calls as those of a session."""

    def __init__(self, calls):
        self.calls = calls

    def is_open(self):
        """Return True."""
        return True

    def add_call(self, call):
        """Keep it."""
        self.calls.calls.append(call)


@contextmanager
def active(boundary):
    """Make a boundary active in a block."""
    entered = ActiveBoundary(boundary)
    entered.enter()
    yield
    entered.leave()


ASYNC = [
    "sqlite+aiosqlite",
    pytest.param("asyncpg", marks=pytest.mark.service),
    pytest.param("psycopg", marks=pytest.mark.service),
]


@pytest.mark.parametrize("driver", ASYNC)
def test_cancelled_commit(driver, tmp_path):
    """If a COMMIT is cancelled at any step and the row is there, the receiver ran or is logged."""
    pytest.importorskip(driver.rpartition("+")[2])
    path = tmp_path / "shop"
    is_sqlite = "sqlite" in driver
    shop = Shop(f"sqlite:///{path}" if is_sqlite else on_postgres("psycopg"))
    url = f"{driver}:///{path}" if is_sqlite else on_postgres(driver)

    async def pay(engine, reached):
        async with AsyncSession(engine) as session, bound(session):
            session.add(shop.row(id=1))
            await session.flush()
            shop.send()
            reached.set()
            await session.commit()

    async def main(steps):
        engine, reached = create_async_engine(url), asyncio.Event()
        task = asyncio.create_task(pay(engine, reached))
        await reached.wait()
        for _ in range(steps):
            await asyncio.sleep(0.0002)
        is_over = task.done()
        task.cancel()
        await asyncio.wait([task])
        await engine.dispose()
        return is_over

    outcomes, steps, is_over = set(), 0, False
    with records_of_clarion() as records:
        while not is_over:
            is_over = asyncio.run(main(steps))
            outcomes.add(shop.check(records, steps))
            steps += 1
    shop.close()
    assert True in outcomes


def test_commit_in_one_of_two_databases(tmp_path, caplog):
    """If only the first of two databases commits, the receiver is abandoned and logged."""
    shops = [Shop(f"sqlite:///{tmp_path / name}") for name in ("first", "second")]
    binds: Any = {shop.row: shop.engine for shop in shops}
    failing = shops[1].engine
    with failing.begin() as connection:
        connection.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
        connection.execute(
            text(
                "CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)"
            )
        )
    with Session(binds=binds) as session, bound(session):
        session.execute(text("PRAGMA foreign_keys = ON"), bind_arguments={"bind": failing})
        for shop in shops:
            session.add(shop.row(id=1))
        session.flush()
        shops[0].send()
        session.execute(text("INSERT INTO child VALUES (9)"), bind_arguments={"bind": failing})
        with pytest.raises(IntegrityError):
            session.commit()
    rows = [bool(shop.stored()) for shop in shops]
    statuses = {scheduled.status for scheduled in shops[0].scheduled}
    assert rows[1] is False
    assert statuses == ({"abandoned"} if rows[0] else {"dropped"})
    assert ("in a part of its databases only" in caplog.text) is rows[0]
    for shop in shops:
        shop.close()


@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize("is_async", [False, True])
def test_an_interrupt_while_a_connection_is_returned(caplog, is_async, is_committed):
    """After the COMMIT, the calls are logged at once, also while something keeps the exception."""
    pool: dict[str, Any] = {"poolclass": StaticPool}
    engine: Any
    if is_async:
        engine = create_async_engine("sqlite+aiosqlite://", **pool)
    else:
        engine = create_engine("sqlite://", **pool)
    paid = Signal(name="shop.paid")
    kept: list[Any] = []
    interrupts: list[KeyboardInterrupt] = []
    paid.connect(lambda **kwargs: None, delivery=on_commit)

    def reset(connection, record, state):
        if interrupts:
            raise interrupts.pop()

    event.listen(engine.sync_engine if is_async else engine, "reset", reset)

    def work(session):
        session.execute(text("SELECT 1"))
        kept.extend(each for _, each in paid.send(None, session=session))
        interrupts.append(KeyboardInterrupt())
        session.commit() if is_committed else session.rollback()

    async def await_work():
        async with AsyncSession(engine) as session:
            await session.run_sync(work)

    with pytest.raises(KeyboardInterrupt) as keeps_the_exception:
        if is_async:
            asyncio.run(await_work())
        else:
            with Session(engine) as session:
                work(session)
    assert interrupts == []
    assert [each.status for each in kept] == ["abandoned" if is_committed else "dropped"]
    assert ("does not run" in caplog.text) is is_committed
    del keeps_the_exception
    asyncio.run(engine.dispose()) if is_async else engine.dispose()
