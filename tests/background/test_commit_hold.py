"""How long one commit may wait for an engine, for all of its calls together."""

import asyncio
import threading
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from clarion import Signal
from clarion.background import EngineDelivery, commit_hold, handover
from clarion.commit import atomic
from clarion.errors import HandOverError
from tests.background.recorder import Recorder


def mail(sender, **kwargs):
    """Send a mail."""


class Silent(Recorder):
    """Is not confirmed before the test ends."""

    name = "the silent engine"
    holds_thread = True

    def __init__(self):
        super().__init__()
        self.ended = threading.Event()

    def enqueue(self, call):
        self.calls.append(call)
        self.ended.wait()


@pytest.fixture
def silent():
    """Return an engine that does not confirm, and end its threads after the test."""
    engine = Silent()
    yield engine
    engine.ended.set()


@pytest.fixture
def clock(monkeypatch):
    """Return a clock that the test sets."""
    found = SimpleNamespace(now=0.0)
    found.monotonic = lambda: found.now
    for module in (commit_hold, handover):
        monkeypatch.setattr(module, "time", found)
    return found


class Refusing(Recorder):
    """Raises after some seconds of the clock, if it has an error."""

    def __init__(self, clock, seconds):
        super().__init__(ConnectionError("no broker"))
        self.clock, self.seconds = clock, seconds

    def enqueue(self, call):
        self.clock.now += self.seconds
        super().enqueue(call)


def connected(engine, hold):
    """Return a signal with one receiver of an engine."""
    signal = Signal(name="tests.commit_hold.order_paid")
    signal.connect(mail, delivery=EngineDelivery(engine, hold=hold)(name="mail"))
    return signal


def statuses(responses):
    """Return the status of each response."""
    return [each.status for ((_, each),) in responses]


def test_a_broker_that_does_not_answer_is_awaited_once(connection, silent):
    """The first call waits for `hold`, and the others of the commit fail without a wait."""
    signal = connected(silent, 0.05)
    with atomic(connection):
        responses = [signal.send(None, order_id=each) for each in range(4)]
    assert statuses(responses) == ["failed"] * 4
    assert len(silent.calls) == 1
    ((_, last),) = responses[-1]
    assert isinstance(last.response, HandOverError)
    assert "does not get a call of mail, because this commit has waited 0.05 s" in str(
        last.response
    )


def test_an_awaited_commit_has_the_same_limit(silent):
    """The commit of an AsyncSession waits for `hold` in all, too."""
    signal = connected(silent, 0.05)

    async def main():
        database = create_async_engine("sqlite+aiosqlite://")
        async with AsyncSession(database) as session:
            await session.execute(text("SELECT 1"))
            responses = [await signal.asend(None, session=session) for _ in range(4)]
            await session.commit()
        await database.dispose()
        return responses

    assert statuses(asyncio.run(main())) == ["failed"] * 4
    assert len(silent.calls) == 1


def test_refused_calls_share_the_time(connection, clock):
    """Calls that the broker refuses after a while use up the `hold` of their commit together."""
    engine = Refusing(clock, 4.0)
    signal = connected(engine, 10)
    with atomic(connection):
        responses = [signal.send(None, order_id=each) for each in range(6)]
    assert statuses(responses) == ["failed"] * 6
    assert engine.refused == 3


def test_a_later_commit_has_its_own_time(connection, clock):
    """The calls that were sent after a failed commit are given to the engine again."""
    engine = Refusing(clock, 10.0)
    signal = connected(engine, 10)
    for _ in range(2):
        with atomic(connection):
            clock.now += 1.0
            signal.send(None)
            signal.send(None)
    assert engine.refused == 2


def test_confirmed_calls_use_up_no_time(connection, clock):
    """Calls that the engine confirms may take longer than `hold` together: none is lost."""
    engine = Refusing(clock, 4.0)
    engine.error = None
    signal = connected(engine, 10)
    with atomic(connection):
        responses = [signal.send(None, order_id=each) for each in range(6)]
    assert statuses(responses) == ["enqueued"] * 6


def test_another_engine_has_its_own_time(connection, clock):
    """An engine that does not answer takes no time from another one."""
    first, second = Refusing(clock, 10.0), Refusing(clock, 0.0)
    second.error = None
    signal = connected(first, 10)
    signal.connect(mail, sender="two", delivery=EngineDelivery(second)(name="mail2"))
    with atomic(connection):
        signal.send(None)
        responses = signal.send("two")
    assert [each.status for _, each in responses] == ["failed", "enqueued"]
