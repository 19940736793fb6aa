"""A robust send with a savepoint around each receiver, on each driver."""

import asyncio
import sqlite3

import pytest

from clarion import Signal, on_commit, signal
from clarion.commit import atomic, savepoints
from clarion.errors import ArgumentError, BoundaryError, RunningLoopError
from clarion.testing import capture, muted
from tests.commit.databases import ASYNC, SYNC, run
from tests.commit.fakes import FakeBoundary

pytestmark = [
    pytest.mark.usefixtures("_plain_python"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

paid = Signal()


def select(database):
    """Return a query for the rows of the transaction."""
    return database.select.format(table=database.table)


def swallowing(database):
    """Return a receiver that hides an error of the database."""

    def swallow(sender, **kwargs):
        try:
            database.add(1)
        except Exception:  # noqa: BLE001
            return "hidden"

    return swallow


@pytest.mark.parametrize("make", SYNC)
def test_failing_receiver_undoes_its_own_writes(make):
    """A failing receiver undoes its own writes; the others are committed."""
    with make() as database:

        def fail(sender, **kwargs):
            database.add(10)
            database.add(1)

        def write(sender, **kwargs):
            database.add(20)
            return "wrote"

        async def later(sender, **kwargs):
            database.add(30)
            return "wrote later"

        for each in (fail, swallowing(database), write, later):
            paid.connect(each)
        with atomic(database.connection):
            database.add(1)
            responses = dict(savepoints(paid).send_robust(None))
        assert isinstance(responses[fail], Exception)
        assert (responses[write], responses[later]) == ("wrote", "wrote later")
        assert database.rows() == [1, 20, 30]


@pytest.mark.parametrize("make", ASYNC)
def test_async(make):
    """Receivers are awaited one after another, and sync ones run in a worker thread."""
    called = []

    async def main(database):
        async def fail(sender, **kwargs):
            await database.add(10)
            await database.add(1)

        async def write(sender, **kwargs):
            await database.add(20)

        async def write_too(sender, **kwargs):
            await database.add(30)

        def sync(sender, **kwargs):
            called.append(sender)

        for each in (fail, write, write_too, sync):
            paid.connect(each)
        async with atomic(database.connection):
            await database.add(1)
            responses = await savepoints(paid).asend_robust(None)
        assert sum(isinstance(each, Exception) for _, each in responses) == 1
        return await database.rows()

    assert run(make, main) == [1, 20, 30]
    assert len(called) == 1


def test_sync_send_on_an_async_connection():
    """A sync send is refused on an async connection: its savepoints have to be awaited."""

    async def main(database):
        async with atomic(database.connection):
            with pytest.raises(BoundaryError, match=r"Use asend_robust\(\)"):
                savepoints(paid).send_robust(None)

    run(ASYNC[0].values[0], main)


@pytest.fixture
def connection():
    """A connection of sqlite3 that notes its statements."""
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()


def test_without_a_transaction(connection):
    """Without a transaction it is a plain robust send."""

    def fail(sender, **kwargs):
        raise ValueError

    paid.connect(fail)
    assert isinstance(savepoints(paid).send_robust(None)[0][1], ValueError)
    assert isinstance(asyncio.run(savepoints(paid).asend_robust(None))[0][1], ValueError)


def test_receivers_after_the_commit(connection):
    """Receivers after the commit get no savepoint; the sends of a failing receiver are dropped."""
    statements: list[str] = []
    ran = []
    paid.connect(lambda sender, **kw: ran.append("paid"), delivery=on_commit, weak=False)
    with atomic(connection):
        connection.set_trace_callback(statements.append)
        savepoints(paid).send_robust(None)
        assert (ran, statements) == ([], [])
        connection.set_trace_callback(None)
    assert ran == ["paid"]
    inner = Signal()
    inner.connect(lambda sender, **kw: ran.append("inner"), delivery=on_commit, weak=False)

    def fail(sender, **kwargs):
        inner.send(None)
        raise ValueError

    paid.connect(fail)
    with atomic(connection):
        savepoints(paid).send_robust(None)
    assert ran == ["paid", "paid"]


def test_as_any_send():
    """Order, once, requests, instruments and the checks of keywords are those of any send."""

    @signal
    def opened(sender: str, *, at: int) -> None:
        """Declare it."""

    calls = []

    def last(sender, at):
        calls.append("last")

    def first(signal, **kwargs):
        calls.append(signal)

    def quiet(sender, at):
        calls.append("quiet")

    opened.connect(last, once=True)
    opened.connect(first, priority=2)  # type: ignore[arg-type]
    opened.connect(quiet)
    with atomic(), muted(quiet), capture(opened) as sent:
        savepoints(opened).send_robust("door", at=1)
        savepoints(opened).send_robust(sender="door", at=2)
    assert calls == [opened, "last", opened]
    assert [len(each.responses) for each in sent] == [2, 1]
    with pytest.raises(ArgumentError, match="at"):
        savepoints(opened).send_robust("door")
    with pytest.raises(ArgumentError, match="is not a signal"):
        savepoints("paid")  # type: ignore[arg-type]


def test_async_receivers_in_a_running_loop():
    """A sync send is refused before any call, as without savepoints."""

    async def receive(sender, **kwargs):
        raise AssertionError

    async def main():
        with pytest.raises(RunningLoopError, match="receive"):
            savepoints(paid).send_robust(None)

    paid.connect(receive)
    asyncio.run(main())


def test_boundary_without_savepoints():
    """The response names what its integration has to define; nothing is called."""
    from clarion.commit import ActiveBoundary

    called = []
    paid.connect(lambda sender, **kw: called.append(1), weak=False)
    active = ActiveBoundary(FakeBoundary("peewee"))
    active.enter()
    [(_, response)] = savepoints(paid).send_robust(None)
    active.leave()
    assert isinstance(response, BoundaryError)
    assert "Boundary.receiver_savepoint()" in str(response)
    assert called == []
