"""Worker: run, stop, wake, and in another program."""

import asyncio
import logging
import threading
from contextlib import closing
from typing import Any

import pytest

from clarion import durable
from clarion.commit import atomic
from clarion.outbox import open_database, store, use_database
from clarion.outbox.tables import create_tables
from clarion.worker import Worker
from tests.threads import no_more_threads
from tests.worker.stage import in_thread, until, worker


@pytest.fixture
def seen(paid):
    """Return the values that a receiver gets, and a semaphore that counts them."""
    got, count = [], threading.Semaphore(0)

    @paid.connect(delivery=durable(name="seen"))
    def receive(sender, n, **kwargs):
        got.append(n)
        count.release()

    return got, count


def test_drain_makes_what_is_there(stage, paid, seen):
    """`drain` makes every delivery, those that receivers send too, and returns the counts."""

    @paid.connect(delivery=durable(name="again"))
    def receive(sender, n, **kwargs):
        if n < 3:
            stage.send(paid, [{"n": n + 1}])

    stage.send(paid, [{"n": 1}])
    counts = worker(stage).drain()
    assert sorted(seen[0]) == [1, 2, 3]
    assert counts["made"] == 6
    assert stage.waiting() == (0, 0)


def test_once_searches_once(stage, paid, seen):
    """`once` searches once; a retry waits for the next time."""

    @paid.connect(delivery=durable(name="failing", backoff=0.0))
    def receive(sender, n, attempt, **kwargs):
        if attempt < 3:
            raise ValueError

    stage.send(paid, [{"n": n} for n in range(20)])
    counts = worker(stage, batch=100).once()
    assert sorted(seen[0]) == list(range(20))
    assert counts["retried"] >= 20
    assert worker(stage).drain()["lost"] == 0
    assert stage.waiting() == (0, 0)


def test_a_worker_runs_in_another_program(stage, paid, seen):
    """A commit of the process wakes its worker at once, at any polling interval."""
    before = use_database(stage.database)
    try:
        with worker(stage, poll=3600.0) as running:
            running._polling._interval = 3600.0
            paid.send(None, n=1)
            assert seen[1].acquire(timeout=30)
    finally:
        use_database(before)
    assert seen[0] == [1]


def test_a_worker_runs_in_a_lifespan(stage, paid, seen):
    """The end of a worker does not block the event loop."""

    async def lifespan():
        async with worker(stage) as running:
            stage.send(paid, [{"n": 1}])
            running.wake()
            assert await asyncio.to_thread(seen[1].acquire, timeout=30)

    asyncio.run(lifespan())
    assert seen[0] == [1]


def test_a_worker_runs_in_a_task_of_trio(sqlite_stage, paid, seen):
    """Its end waits for the worker, without a loop of asyncio."""
    trio = pytest.importorskip("trio")

    async def lifespan():
        async with worker(sqlite_stage) as running:
            sqlite_stage.send(paid, [{"n": 1}])
            running.wake()
            assert await trio.to_thread.run_sync(seen[1].acquire, True, 30)
        assert not running._thread.is_alive()

    trio.run(lifespan)
    assert seen[0] == [1]


def test_stop_lets_running_receivers_finish(stage, paid):
    """`stop` waits for running receivers, and releases what has not begun."""
    begun, seen = threading.Event(), []

    @paid.connect(delivery=durable(name="slow"))
    def receive(sender, n, **kwargs):
        seen.append(n)
        begun.set()
        stopping.wait(30)

    stopping = threading.Event()
    stage.send(paid, [{"n": n} for n in range(5)])
    running = worker(stage, concurrency=1, lease=3600.0)
    running.start()
    assert begun.wait(30)
    running.stop()
    stopping.set()
    running.join(30)
    made = running.counts["made"]
    assert len(seen) == made < 5
    assert worker(stage).drain()["made"] == 5 - made


def test_the_grace_period_ends(stage, paid, caplog):
    """A receiver that never ends does not keep its delivery from another worker."""
    begun, leave = threading.Event(), threading.Event()

    @paid.connect(delivery=durable(name="endless"))
    def receive(sender, n, attempt, **kwargs):
        if not begun.is_set():
            begun.set()
            leave.wait(60)

    stage.send(paid, [{"n": 1}])
    running = worker(stage, concurrency=1, grace=0.0, lease=3600.0)
    running.start()
    assert begun.wait(30)
    with caplog.at_level(logging.WARNING, "clarion.worker"):
        running.stop()
        running.join(30)
    try:
        assert "What 1 job held is handed back." in caplog.text
        assert in_thread(worker(stage).drain, seconds=30)["made"] == 1
    finally:
        leave.set()


def test_two_workers_share_the_work(stage, paid, seen):
    """Each delivery is made by exactly one of two workers."""
    stage.send(paid, [{"n": n} for n in range(200)])
    workers = [worker(stage, batch=10), worker(stage, batch=10)]
    threads = [threading.Thread(target=each.drain) for each in workers]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sorted(seen[0]) == list(range(200))
    assert sum(each.counts["made"] for each in workers) == 200


def test_jobs_that_fail_at_the_same_time_make_one_pause(server_stage, paid, monkeypatch, caplog):
    """The pause grows only after it, so the worker soon tries again."""

    @paid.connect(delivery=durable(name="keyed", key="n"))
    def receive(sender, n, **kwargs):
        raise AssertionError("no delivery can be taken")

    def fail(*_):
        together.wait(30)
        raise OSError("No space left on device")

    def pauses():
        return [each.args[1] for each in caplog.records if "could not be used" in each.msg]

    monkeypatch.setattr(store, "lease_partition", fail)
    together = threading.Barrier(4)
    server_stage.send(paid, [{"n": n} for n in range(100)])
    with worker(server_stage, concurrency=4, poll=0.05):
        until(lambda: len(pauses()) >= 4)
        together.abort()
    assert max(pauses()[:4]) <= 1.0


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("timeout", [None, 5.0])
def test_an_async_receiver_that_exits_has_failed(sqlite_stage, paid, error, timeout):
    """It is a failure of its delivery; the deliveries beside it are made."""
    seen = []

    @paid.connect(delivery=durable(name="mail", retries=0, timeout=timeout))
    async def mail(sender, n, **kwargs):
        await asyncio.sleep(0.01)
        if n == 0:
            raise error
        seen.append(n)

    sqlite_stage.send(paid, [{"n": n} for n in range(4)])
    assert worker(sqlite_stage).drain() == {"made": 3, "dead": 1}
    assert (sorted(seen), sqlite_stage.waiting()) == ([1, 2, 3], (0, 1))


@pytest.mark.parametrize("thread", ["clarion-seen", "clarion-async"])
@pytest.mark.parametrize("key", [None, "n"])
def test_a_worker_tries_again_if_the_system_has_no_more_threads(sqlite_stage, paid, thread, key):
    """It makes the deliveries later, and its counts and its end are as always."""
    got = []

    @paid.connect(delivery=durable(name="seen", key=key))
    async def receive(sender, n, **kwargs):
        got.append(n)

    sqlite_stage.send(paid, [{"n": n} for n in range(3)])
    with no_more_threads(thread, times=2) as refused, worker(sqlite_stage, poll=0.05):
        until(lambda: len(got) == 3)
        until(lambda: sqlite_stage.waiting() == (0, 0))
    assert len(refused) == 2


def test_a_worker_that_cannot_begin_leaves_nothing_open(sqlite_stage, paid):
    """Its connections are closed, and it can run again."""
    paid.connect(lambda **kw: None, weak=False, delivery=durable(name="seen"))
    sqlite_stage.send(paid, [{"n": 1}])
    tried = worker(sqlite_stage)
    with no_more_threads("clarion-leases"), pytest.raises(RuntimeError, match="new thread"):
        tried.drain()
    assert not tried._connections._idle
    assert tried.drain() == {"made": 1}


def test_a_worker_in_a_thread_waits_for_its_tables(tmp_path, paid, seen, caplog):
    """An application may start before its tables exist; the log says so in one line."""
    database: Any = open_database(f"sqlite:///{tmp_path}/later.db")
    with Worker(database, poll=0.05) as running:
        until(lambda: "has no tables for stored deliveries" in caplog.text)
        with closing(database.connect()) as connection:
            with connection.transaction():
                create_tables(connection)
            with atomic(connection.connection):
                paid.send(None, n=1)
        running.wake()
        assert seen[1].acquire(timeout=30)
    assert "Traceback" not in caplog.text


def test_a_worker_that_never_finds_its_tables_can_be_stopped(tmp_path, seen):
    """The end of the block ends its wait."""
    running = Worker(open_database(f"sqlite:///{tmp_path}/never.db"))
    running.start()
    running.stop()
    running.join(30)
    assert not [each for each in threading.enumerate() if each.name == "clarion-worker"]


def test_a_worker_that_runs_again_keeps_its_connections(sqlite_stage, paid, monkeypatch):
    """The connections of its second drain are used again too."""
    paid.connect(lambda n, **kw: None, weak=False, delivery=durable(name="seen"))
    opened, connect = [], sqlite_stage.database.connect

    def open_one():
        opened.append(1)
        return connect()

    monkeypatch.setattr(sqlite_stage.database, "connect", open_one)
    running, counts = worker(sqlite_stage), []
    for _ in range(3):
        sqlite_stage.send(paid, [{"n": 1}])
        opened.clear()
        running.drain()
        counts.append(len(opened))
    assert max(counts) <= 3, counts
