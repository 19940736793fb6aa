"""Receivers that take longer than their timeout."""

import asyncio
import logging
import threading
from typing import Any

import pytest

from clarion import durable
from clarion.worker.running import Running
from tests.worker.stage import in_thread, worker


def test_an_async_receiver_over_its_timeout_is_cancelled(stage, paid):
    """An async receiver over its timeout is cancelled, and has failed."""
    cancelled = []

    @paid.connect(delivery=durable(name="slow", timeout=0.05, retries=0))
    async def receive(sender, n, **kwargs):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(n)
            raise

    stage.send(paid, [{"n": 1}])
    worker(stage).drain()
    assert cancelled == [1]
    (buried,) = stage.dead()
    assert "TimeoutError" in buried.error


def test_a_sync_receiver_over_its_timeout_is_left_behind(stage, paid, caplog):
    """The rest of its batch is made, and its later end has no effect on the row."""
    leave, seen = threading.Event(), []

    @paid.connect(delivery=durable(name="slow", timeout=0.1, retries=0))
    def receive(sender, n, **kwargs):
        if n == 0:
            leave.wait(60)
        seen.append(n)

    stage.send(paid, [{"n": n} for n in range(5)])
    with caplog.at_level(logging.INFO, "clarion.worker"):
        in_thread(worker(stage).drain, seconds=20)
    leave.set()
    assert sorted(seen)[-4:] == [1, 2, 3, 4]
    assert stage.waiting() == (0, 1)
    assert any("thread" in record.getMessage() for record in caplog.records)


def test_a_transaction_that_begins_too_late_is_refused():
    """A transaction that begins after the timeout is refused: its writes would be lost."""
    running: Any = Running()
    ended: list[str] = []
    running.begin(claim := object(), object(), deadline=1.0)
    running.note_end(lambda: ended.append("first"))
    assert running.abandon(0.5) is None
    abandoned = running.abandon(1.0)
    assert abandoned.claim is claim
    abandoned.end()
    assert ended == ["first"]
    with pytest.raises(TimeoutError, match="before its transaction began"):
        running.note_end(lambda: ended.append("second"))
