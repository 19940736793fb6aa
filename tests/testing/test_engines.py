"""without_engines: background calls inside a test, without a broker."""

import asyncio
import sqlite3
import threading
from typing import Any

import pytest
from celery import Celery

from clarion import Signal, durable
from clarion.background import Engine, EngineDelivery
from clarion.commit import atomic
from clarion.errors import (
    ArgumentError,
    NotSentError,
    Reject,
    Retry,
    RunningLoopError,
)
from clarion.integrations.celery import CeleryDelivery
from clarion.testing import adrain, assert_enqueued, commits, drain, restored, without_engines
from tests.testing.test_deliveries import database

__all__ = ["database"]  # a fixture

order_paid = Signal(name="shop.order_paid")
calls: list[object] = []
NOWHERE = "redis://127.0.0.1:1/0"  # nothing listens there


def note(number, attempt, **kwargs):
    """Note the number; fail if it is none."""
    calls.append((number, attempt))
    if number is None:
        raise ValueError("no number")


async def anote(number, **kwargs):
    """Note the number."""
    await asyncio.sleep(0)
    calls.append(number)


def try_later(number, attempt, **kwargs):
    """Note the attempt, and ask for another one, or for none after the second."""
    calls.append(attempt)
    raise Retry(after=5.0) if attempt == 1 else Reject


def write(number, connection, **kwargs):
    """Insert the number."""
    connection.execute("INSERT INTO numbers VALUES (?)", (number,))


class Within(Engine):
    """An engine that writes its calls in the transaction of the send."""

    name = "Within"
    in_transaction = True

    def __init__(self):
        self.got: list[Any] = []

    def enqueue(self, call):
        """Note the call."""
        self.got.append(call)

    def enqueue_in(self, call, connection):
        """Note the call."""
        self.got.append((call, connection))
        return True


@pytest.fixture(autouse=True)
def _calls():
    calls.clear()
    with restored():
        yield


@pytest.fixture
def celery():
    """Return a delivery whose broker never answers."""
    app = Celery("tests", broker=NOWHERE, set_as_current=False)
    yield CeleryDelivery(app)
    app.close()


@pytest.fixture
def connection():
    """Yield a connection to an empty database."""
    opened = sqlite3.connect(":memory:")
    yield opened
    opened.close()


def test_calls_are_found_and_made_without_a_broker(celery):
    """In the order of the sends, in this thread."""
    order_paid.connect(note, delivery=celery(queue="mail"))
    with without_engines():
        for number in (1, 2, 1):
            order_paid.send(None, number=number, item="book")
        assert [each["item"] for each in assert_enqueued(note, number=1, times=2)] == ["book"] * 2
        assert calls == []
        assert drain() == {"made": 3}
        assert_enqueued(note, times=0)
    assert calls == [(1, 1), (2, 1), (1, 1)]


def test_calls_wait_for_the_commit(celery, connection):
    """And a rollback discards them."""
    order_paid.connect(note, delivery=celery)
    with without_engines():
        with atomic(connection):
            order_paid.send(None, number=1)
            assert_enqueued(note, times=0)
        with pytest.raises(LookupError), atomic(connection):
            order_paid.send(None, number=2)
            raise LookupError
        assert [each["number"] for each in assert_enqueued(note)] == [1]


def test_commits_makes_the_calls_at_its_end(celery, connection):
    """Inside a transaction of the test, which is never committed."""
    order_paid.connect(note, delivery=celery)
    with pytest.raises(LookupError), atomic(connection):
        with commits():
            with atomic(connection):
                order_paid.send(None, number=1)
                assert_enqueued(note, times=0)
            assert_enqueued(note, number=1)
            assert calls == []
        assert calls == [(1, 1)]
        raise LookupError


@pytest.mark.parametrize("key", [None, "item"])
def test_a_failure_keeps_no_other_receiver_from_its_call(database, celery, key):
    """As in production. A key waits behind its delivery that has failed; the first error is raised."""
    order_paid.connect(note, delivery=durable(key=key))
    order_paid.connect(anote, delivery=celery)
    with pytest.raises(ValueError, match="no number") as info, commits():
        order_paid.send(None, number=None, item="book")
        order_paid.send(None, number=2, item="pen")
        order_paid.send(None, number=3, item="book")
    stored = [(2, 1), (3, 1)] if key is None else [(2, 1)]
    assert sorted(calls, key=str) == sorted([(None, 1), *stored, None, 2, 3], key=str)
    assert info.value.__notes__ == [f"A stored delivery to {__name__}:note was made by drain()."]


def test_errors_of_several_receivers_are_noted(database, celery):
    """The first one is raised."""
    order_paid.connect(note, delivery=durable)
    order_paid.connect(write, delivery=celery)
    with pytest.raises(ValueError, match="no number") as info, commits():
        order_paid.send(None, number=None)
    assert info.value.__notes__[1] == "Another receiver has raised OperationalError, too."


def test_an_engine_in_the_transaction_gets_nothing_either(connection):
    """The call is kept after the commit, and a later send goes to the engine again."""
    engine = Within()
    order_paid.connect(note, delivery=EngineDelivery(engine))
    with without_engines(), atomic(connection):
        order_paid.send(None, number=1)
        assert_enqueued(note, times=0)
    assert engine.got == []
    with atomic(connection):
        order_paid.send(None, number=2)
    assert len(engine.got) == 1


def test_a_call_that_waits_for_the_commit_is_explained(connection):
    """A call whose commit has not come is not kept yet, and the failure names the cure."""
    order_paid.connect(note, delivery=EngineDelivery(Within()))
    with without_engines(), atomic(connection):
        order_paid.send(None, number=1)
        with pytest.raises(NotSentError, match=r"after the commit\..*commits\(\)"):
            assert_enqueued(note, number=1)


def test_async_receivers_and_async_sends(celery):
    """The receiver is awaited; inside a running loop, drain needs a thread."""
    order_paid.connect(anote, delivery=celery)

    async def place():
        await order_paid.asend(None, number=7)
        for raises in (True, False):
            with pytest.raises(RunningLoopError, match="adrain"):
                drain(raises=raises)
        assert await asyncio.to_thread(drain) == {"made": 1}
        await order_paid.asend(None, number=8)
        assert await adrain() == {"made": 1}
        async with commits():
            await order_paid.asend(None, number=9)
        with pytest.raises(ZeroDivisionError):
            async with commits():
                await order_paid.asend(None, number=1 // 0)

    with without_engines():
        asyncio.run(place())
    assert calls == [7, 8, 9]


def test_calls_of_other_threads_are_kept(celery):
    """Such as those of a server that the test runs in a thread."""
    order_paid.connect(note, delivery=celery)
    with without_engines():
        thread = threading.Thread(target=order_paid.send, args=[None], kwargs={"number": 3})
        thread.start()
        thread.join()
        assert_enqueued(note, number=3, times=1)


def test_an_error_is_raised_and_the_call_stays(celery):
    """With a note that names the receiver."""
    order_paid.connect(note, delivery=celery(name="shop.note"))
    with without_engines():
        order_paid.send(None, number=None)
        for _ in range(2):
            with pytest.raises(ValueError, match="no number") as info:
                drain()
            assert info.value.__notes__ == ["A call of shop.note was made by drain()."]
    assert calls == [(None, 1), (None, 1)]


def test_an_error_can_be_handled_as_by_a_worker(celery):
    """The call waits for its retry until the last one."""
    order_paid.connect(note, delivery=celery(retries=2))
    with without_engines():
        order_paid.send(None, number=None)
        assert drain(raises=False) == {"retried": 1}
        assert drain(raises=False) == {}
        assert drain(raises=False, delayed=True) == {"retried": 1, "dead": 1}
        assert_enqueued(note, times=0)
    assert calls == [(None, 1), (None, 2), (None, 3)]


def test_retry_and_reject_are_obeyed(celery):
    """A receiver decides by them."""
    order_paid.connect(try_later, delivery=celery(retries=5))
    with without_engines():
        order_paid.send(None, number=1)
        assert drain(raises=False, delayed=True) == {"retried": 1, "dead": 1}
    assert calls == [1, 2]


def test_a_delay_can_be_ended(celery):
    """By `delayed`; otherwise the call stays."""
    order_paid.connect(note, delivery=celery(delay=60))
    with without_engines():
        order_paid.send(None, number=1)
        assert drain() == {}
        assert drain(delayed=True) == {"made": 1}


def test_a_duplicate_is_skipped(database, celery, tmp_path):
    """With `effects`, as by a worker of the engine."""
    with sqlite3.connect(tmp_path / "outbox.db") as opened:
        opened.execute("CREATE TABLE numbers (number)")
    engine = Within()
    order_paid.connect(write, delivery=EngineDelivery(engine)(effects="same database"))
    order_paid.send(None, number=5)
    (call,) = engine.got
    with without_engines():
        order_paid.disconnect(write)
        order_paid.connect(write, delivery=EngineDelivery(engine)(effects="same database"))
        from clarion.testing.engines import kept_calls

        kept = kept_calls()
        assert kept is not None
        kept.add(call)
        kept.add(call)
        assert drain() == {"made": 1, "skipped": 1}
    found = opened.execute("SELECT number FROM numbers").fetchall()
    opened.close()
    assert found == [(5,)]


def test_a_failure_shows_what_waits(celery):
    """With the arguments."""
    order_paid.connect(note, delivery=celery)
    with without_engines():
        order_paid.send(None, number=4)
        with pytest.raises(NotSentError, match=r"(?s)0 of 1 that wait.*number=4"):
            assert_enqueued(note, number=5)


def test_a_key_is_compared():
    """With engines that keep the order of a key."""
    engine = Within()
    engine.keeps_order = True
    order_paid.connect(note, delivery=EngineDelivery(engine)(key="number"))
    with without_engines():
        order_paid.send(None, number=4)
        assert_enqueued(note, key="4")
        assert_enqueued(note, key="5", times=0)


def test_outside_the_block_it_is_refused(celery):
    """Because the engine has the calls."""
    order_paid.connect(note, delivery=celery)
    with pytest.raises(ArgumentError, match=r"note .*without_engines"):
        assert_enqueued(note)


def test_blocks_nest():
    """The inner one has calls of its own, and what it leaves is discarded."""
    engine = Within()
    order_paid.connect(note, delivery=EngineDelivery(engine))
    with without_engines():
        order_paid.send(None, number=1)
        with without_engines():
            order_paid.send(None, number=2)
            assert_enqueued(note, number=2, times=1)
        assert [each["number"] for each in assert_enqueued(note)] == [1]
    assert engine.got == []
