"""How long a commit may wait for an engine."""

import asyncio
import threading
import time
from contextvars import ContextVar
from uuid import uuid4

import pytest

from clarion.background import Call, Engine
from clarion.background import hold as module
from clarion.background.hold import (
    MOST_IDLE,
    MOST_LATE,
    aenqueue_within,
    enqueue_within,
    is_kept,
    kept,
)
from clarion.errors import HandOverError

CALL = Call("mail", uuid4(), "{}")
color: ContextVar[str] = ContextVar("color", default="none")


class Waiting(Engine):
    """Waits until it is released."""

    name = "the waiting engine"
    holds_thread = True

    def __init__(self):
        self.begun = threading.Event()
        self.released = threading.Event()
        self.colors = []
        self.threads = []

    def enqueue(self, call):
        self.colors.append(color.get())
        self.threads.append(threading.get_ident())
        self.begun.set()
        self.released.wait()


class Raising(Engine):
    """Raises in its thread."""

    holds_thread = True

    def enqueue(self, call):
        raise ConnectionError("no broker")


class Prompt(Waiting):
    """Does not wait."""

    def __init__(self):
        super().__init__()
        self.released.set()


def both(engine, seconds):
    """Enqueue in sync code and in a coroutine."""
    yield lambda: enqueue_within(engine, CALL, seconds)
    yield lambda: asyncio.run(aenqueue_within(engine, CALL, seconds))


def test_the_wait_ends():
    """If the engine does not confirm in time, the error names the option `hold`."""
    engine = Waiting()
    for enqueue in both(engine, 0.05):
        with pytest.raises(HandOverError, match=r"hold= of the delivery") as caught:
            enqueue()
        assert caught.value.receiver == "mail"
    engine.released.set()


def test_what_the_engine_raises_is_raised():
    """The error of the engine reaches the waiting code."""
    for enqueue in both(Raising(), 30):
        with pytest.raises(ConnectionError, match="no broker"):
            enqueue()


def test_the_context_reaches_the_engine():
    """The engine sees the context variables of the code that enqueues."""
    engine = Prompt()
    color.set("red")
    for enqueue in both(engine, 30):
        enqueue()
    assert engine.colors == ["red", "red"]


def test_threads_are_used_again():
    """Calls that come one after the other use the same thread."""
    before = threading.active_count()
    for _ in range(20):
        enqueue_within(Prompt(), CALL, 30)
    assert threading.active_count() <= before + 1


def test_few_idle_threads_are_kept():
    """After many calls at once, only a few threads stay."""
    engine = Waiting()
    for _ in range(MOST_IDLE + 4):
        with pytest.raises(HandOverError):
            enqueue_within(engine, CALL, 0.01)
    helpers = [each for each in threading.enumerate() if each.name == "clarion-enqueue"]
    assert len(helpers) > MOST_IDLE
    engine.released.set()
    while sum(each.is_alive() for each in helpers) > MOST_IDLE:
        time.sleep(0.01)
    assert len(module._idle) <= MOST_IDLE


def test_an_engine_with_a_limit_of_its_own_runs_here():
    """Without `holds_thread`, the engine is called in the thread that enqueues."""
    engine = Prompt()
    engine.holds_thread = False
    enqueue_within(engine, CALL, 1)
    assert engine.threads == [threading.get_ident()]


def test_an_engine_that_waits_no_longer_than_hold_runs_here():
    """An engine that waits at most `hold` seconds is called here; one that may wait longer, in a thread."""
    engine = Prompt()
    engine.longest_wait = 1
    enqueue_within(engine, CALL, 1)
    enqueue_within(engine, CALL, 0.9)
    here, other = engine.threads
    assert here == threading.get_ident() != other


def test_kept_calls_reach_no_engine():
    """Inside `kept`, sync and async calls reach the given function; after it, the engine."""
    engine = Prompt()
    got: list[Call] = []
    with kept(got.append):
        assert is_kept()
        for enqueue in both(engine, 60):
            enqueue()
        with kept(lambda call: None):
            enqueue_within(engine, CALL, 60)
    assert (got, engine.colors, is_kept()) == ([CALL, CALL], [], False)
    enqueue_within(engine, CALL, 60)
    assert len(engine.colors) == 1


def test_an_engine_that_does_not_answer_gets_few_calls():
    """An engine that hangs holds few threads and delays no later commit; when it answers, it gets calls."""
    engine = Waiting()
    for _ in range(MOST_LATE):
        with pytest.raises(HandOverError, match=r"hold= of the delivery"):
            enqueue_within(engine, CALL, 0.01)
    for enqueue in both(engine, 3600):
        with pytest.raises(HandOverError, match=f"not confirmed {MOST_LATE} earlier calls"):
            enqueue()
    assert len(engine.threads) == MOST_LATE
    enqueue_within(Prompt(), CALL, 3600)  # another engine
    # One call in each time finds out whether it answers again.
    time.sleep(0.02)
    with pytest.raises(HandOverError, match=r"hold= of the delivery"):
        enqueue_within(engine, CALL, 0.01)
    assert len(engine.threads) == MOST_LATE + 1
    engine.released.set()
    while module._late:
        time.sleep(0.01)
    enqueue_within(engine, CALL, 3600)
    assert len(engine.threads) == MOST_LATE + 2


def test_a_cancelled_send_does_not_count_for_ever():
    """A call whose sender was cancelled is counted only as long as its thread waits."""
    engine = Waiting()

    async def main():
        task = asyncio.create_task(aenqueue_within(engine, CALL, 3600))
        await asyncio.to_thread(engine.begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert module._late[id(engine)].count == 1

    asyncio.run(main())
    engine.released.set()
    while module._late:
        time.sleep(0.01)


def test_a_timeout_of_the_engine_is_its_own():
    """A `TimeoutError` that the engine raises is raised unchanged."""

    class TimingOut(Engine):
        def enqueue(self, call):
            raise TimeoutError("the socket")

    for enqueue in both(TimingOut(), 60):
        with pytest.raises(TimeoutError, match="the socket"):
            enqueue()
