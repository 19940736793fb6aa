"""Several deliveries of one receiver in turn."""

import asyncio
import gc
import logging
import threading
import time

import pytest

from clarion import durable
from clarion.worker import batch
from tests.worker.stage import in_thread, until, worker


@pytest.mark.parametrize(
    "key", [None, lambda n, **_: str(n) if n % 2 else None], ids=["without keys", "some with a key"]
)
def test_an_async_receiver_runs_several_at_a_time(stage, paid, key):
    """As many deliveries run as the concurrency allows; those with and without a key share the limit."""
    running, most = 0, 0

    @paid.connect(delivery=durable(name="awaited", key=key))
    async def receive(sender, n, **kwargs):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1

    stage.send(paid, [{"n": n} for n in range(40)])
    counts = in_thread(worker(stage, concurrency=3).drain, seconds=30)
    assert counts["made"] == 40
    assert 1 < most <= 3  # three jobs at most, which share the limit


def test_an_async_receiver_with_a_key_runs_in_order(stage, paid):
    """Deliveries of a key run one after the other."""
    seen, running = [], set()

    @paid.connect(delivery=durable(name="ordered", key="key"))
    async def receive(sender, key, n, **kwargs):
        assert key not in running
        running.add(key)
        await asyncio.sleep(0.001)
        running.remove(key)
        seen.append((key, n))

    stage.send(paid, [{"key": key, "n": n} for n in range(10) for key in "ab"])
    in_thread(worker(stage).drain, seconds=30)
    assert [n for key, n in seen if key == "a"] == list(range(10))
    assert [n for key, n in seen if key == "b"] == list(range(10))


def test_sync_and_async_receivers_of_one_send_are_both_called(stage, paid):
    """The sync receiver runs in a thread, the async one on the loop."""
    seen = []

    @paid.connect(delivery=durable(name="sync"))
    def receive(sender, n, **kwargs):
        seen.append(("sync", n))

    @paid.connect(delivery=durable(name="async"))
    async def areceive(sender, n, **kwargs):
        seen.append(("async", n))

    stage.send(paid, [{"n": 1}])
    worker(stage).drain()
    assert sorted(seen) == [("async", 1), ("sync", 1)]


@pytest.mark.parametrize("effects", [None, "same database"])
def test_what_a_receiver_raises_after_it_was_left_behind_is_not_reported(
    stage, paid, effects, caplog, monkeypatch
):
    """Its delivery has failed already, so asyncio reports no exception that was never retrieved."""
    monkeypatch.setattr(batch, "LONGEST_END", 0.05)
    # The records of caplog would keep the traceback of the failure, and so the task.
    monkeypatch.setattr(logging.getLogger("clarion.worker"), "propagate", False)
    leave, ended, begun = threading.Event(), threading.Event(), threading.Event()

    @paid.connect(delivery=durable(name="late", timeout=1.0, retries=0, effects=effects))
    async def receive(sender, n, **kwargs):
        begun.set()
        while not leave.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                """Ignore it."""
        asyncio.get_running_loop().call_soon(ended.set)
        raise ValueError("late")

    stage.send(paid, [{"n": 1}])
    running = worker(stage)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    try:
        if effects is None:
            until(lambda: stage.waiting() == (0, 1))
        else:  # its transaction may lock the row of its delivery
            assert begun.wait(30)
            time.sleep(1.5)
    finally:
        leave.set()
    assert ended.wait(30)
    until(lambda: stage.waiting() == (0, 1))
    running.stop()
    thread.join(30)
    gc.collect()
    assert not [each for each in caplog.records if each.name == "asyncio"]


def test_a_receiver_that_is_cancelled_by_itself_was_not_too_late(sqlite_stage, paid):
    """Its failure is the cancellation, and not its time limit."""

    @paid.connect(delivery=durable(name="mail", timeout=30.0, retries=0))
    async def receive(sender, n, **kwargs):
        await asyncio.sleep(0)
        raise asyncio.CancelledError

    sqlite_stage.send(paid, [{"n": 1}])
    worker(sqlite_stage).drain()
    (dead,) = sqlite_stage.dead()
    assert "CancelledError" in dead.error
    assert "TimeoutError" not in dead.error
