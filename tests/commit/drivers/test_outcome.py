"""The outcome of a COMMIT that a cancellation or an interrupt meets, on every driver."""

import asyncio

import pytest

from clarion.commit import atomic
from clarion.commit.drivers.base import Driver
from clarion.commit.drivers.native import NativeDriver
from clarion.commit.drivers.outcome import CommitOutcome, database_error
from tests.commit.conftest import only
from tests.commit.databases import ASYNC, SYNC, run
from tests.commit.failing import BoomError

pytestmark = pytest.mark.usefixtures("_plain_python")


@pytest.mark.parametrize("make", ASYNC)
@pytest.mark.parametrize("steps", range(1, 6))
def test_cancelled_in_commit(make, steps, signal, calls, log):
    """The row is there if and only if the receiver ran or is logged."""

    async def main(database):
        responses, reached = [], asyncio.Event()

        async def work():
            async with atomic(database.connection):
                await database.add(1)
                responses.extend(await signal.asend(None, n=1))
                reached.set()

        task = asyncio.create_task(work())
        await reached.wait()
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        rows = await database.rows()
        status = only(responses).status
        if rows:
            assert status == "ran" or (status == "abandoned" and "interrupted" in log[0])
        else:
            assert status == "dropped"
        async with atomic(database.connection):
            await database.add(2)
        assert 2 in await database.rows()

    run(make, main)


@pytest.mark.parametrize("make", ASYNC)
def test_cancelled_in_begin(make):
    """The connection is in no transaction, and the next block begins one."""

    async def main(database):
        async def work():
            async with atomic(database.connection):
                await asyncio.Event().wait()

        for steps in range(4):
            task = asyncio.create_task(work())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            async with atomic(database.connection):
                await database.add(steps)
        assert await database.rows() == [0, 1, 2, 3]

    run(make, main)


@pytest.mark.parametrize("make", SYNC)
def test_interrupted_after_commit(make, signal, calls, log, monkeypatch):
    """A receiver whose row is committed before the interrupt is logged as abandoned."""
    with make() as database:
        commit_begins = Driver.check_commit

        def check(driver, failed):
            commit_begins(driver, failed)
            ending = type(atomic_block._entered or entered[0])
            monkeypatch.setattr(ending, "_note_end", boom)

        def boom(*args):
            raise BoomError

        monkeypatch.setattr(Driver, "check_commit", check)
        atomic_block, entered = atomic(database.connection), []
        with pytest.raises(BoomError), atomic_block:
            entered.append(atomic_block._entered)
            database.add(1)
            responses = signal.send(None, n=1)
        assert database.rows() == [1]
        assert only(responses).status == "abandoned"
        assert "which was interrupted" in log[0]


class Reporting:
    """A connection that reports its state."""

    def __init__(self, *, closed=False, in_transaction=False):
        self.closed = closed
        self.in_transaction = in_transaction


class InterfaceError(Exception):
    """As PEP 249 names it."""


@pytest.mark.parametrize(
    ("connection", "error", "is_made"),
    [
        (Reporting(), KeyboardInterrupt(), True),
        (Reporting(in_transaction=True), KeyboardInterrupt(), False),
        (Reporting(closed=True), KeyboardInterrupt(), None),
        (Reporting(), ConnectionResetError(), None),
        (object(), KeyboardInterrupt(), None),
        (object(), InterfaceError(), None),
        (Reporting(), InterfaceError(), False),
        (Reporting(closed=True), InterfaceError(), None),
    ],
)
def test_judgement(connection, error, is_made):
    """The state of the connection and the type of the exception decide the outcome."""
    outcome = CommitOutcome()
    outcome.is_begun = True
    NativeDriver(connection).judge(outcome, error)
    assert outcome.is_made is is_made


def test_unknown_outcome_is_logged(signal, calls, log):
    """After a lost connection the outcome is unknown, and each call is logged."""

    class Lost:
        closed = False

        def commit(self):
            self.closed = True
            raise ConnectionResetError

        def rollback(self):
            pass

    with pytest.raises(ConnectionResetError), atomic(Lost()):
        responses = signal.send(None, n=1)
    assert calls == []
    assert only(responses).status == "abandoned"
    assert "because it is unknown whether the commit was made" in log[0]


def test_error_around_the_block_is_another():
    """An error raised outside the block does not affect the outcome."""
    outer, error = InterfaceError(), BoomError()
    error.__context__ = outer
    assert database_error(error, None) is outer
    assert database_error(error, outer) is None
