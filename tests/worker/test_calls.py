"""One call of a receiver, in the transaction that it needs."""

import asyncio
from contextlib import asynccontextmanager, contextmanager, suppress
from inspect import isawaitable

import pytest

from clarion import durable
from clarion.worker import Worker
from tests.worker.stage import effect, in_thread, note, until_empty, worker

SAME = "same database"


async def written(connection, receiver, n):
    """Write an effect on a sync or an async connection of a driver."""
    cursor = connection.cursor()
    if isawaitable(cursor):
        cursor = await cursor
    done = cursor.execute(effect(receiver, "", n))
    if isawaitable(done):
        await done


def test_a_database_keeps_what_a_thread_or_a_task_needs(sqlite_stage, paid):
    """The worker enters the database's context of each thread and of each async call."""
    open_now, seen = [], []

    class Serving(type(sqlite_stage.database)):  # type: ignore[misc]
        @contextmanager
        def serving_thread(self):
            open_now.append("thread")
            yield
            open_now.remove("thread")

        @asynccontextmanager
        async def serving_task(self):
            open_now.append("task")
            yield
            open_now.remove("task")

    @paid.connect(delivery=durable(name="sync"))
    def receive(sender, n, **kwargs):
        seen.append("thread" in open_now)

    @paid.connect(delivery=durable(name="async"))
    async def areceive(sender, n, **kwargs):
        seen.append("task" in open_now)

    sqlite_stage.send(paid, [{"n": 1}])
    assert Worker(Serving(sqlite_stage.database.path)).drain()["made"] == 2
    assert seen == [True, True]
    assert open_now == []


def test_what_a_failed_receiver_has_written_is_rolled_back(stage, paid):
    """A failed receiver's writes are rolled back, and the next attempt writes once."""

    @paid.connect(delivery=durable(name="same", effects=SAME, backoff=0.0))
    def receive(sender, n, attempt, connection, **kwargs):
        note(connection, "same", "", n)
        if attempt == 1:
            raise ValueError

    stage.send(paid, [{"n": n} for n in range(10)])
    until_empty(stage)
    assert stage.counted("same") == dict.fromkeys(range(10), 1)


def test_async_receivers_with_a_connection_do_not_block_each_other(stage, paid):
    """While one receiver waits in its transaction, the others begin theirs."""

    @paid.connect(delivery=durable(name="awaited", effects=SAME))
    async def receive(sender, n, connection, **kwargs):
        await asyncio.sleep(0.01)
        await written(connection, "awaited", n)
        await asyncio.sleep(0.01)

    stage.send(paid, [{"n": n} for n in range(20)])
    ended = in_thread(worker(stage, concurrency=4).drain, seconds=15)
    assert ended["made"] == 20
    assert stage.counted("awaited") == dict.fromkeys(range(20), 1)


@pytest.mark.parametrize("end", ["rollback", "abort"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_receiver_that_ends_its_transaction_has_failed(stage, paid, end, kind):
    """Otherwise its delivery would be made again and again, because nothing settles it."""

    def receive(sender, connection, **kwargs):
        if end == "rollback" or stage.database.dialect != "postgresql":
            connection.rollback()
        else:  # only PostgreSQL aborts the transaction
            with suppress(Exception):
                connection.cursor().execute("SELECT * FROM nowhere")

    async def areceive(sender, connection, **kwargs):
        if stage.database.dialect != "postgresql":
            connection.rollback()
        elif end == "rollback":
            await connection.cursor().execute("ROLLBACK")
        else:
            with suppress(Exception):
                await connection.cursor().execute("SELECT * FROM nowhere")

    receiver = receive if kind == "sync" else areceive
    paid.connect(receiver, delivery=durable(name="ends", effects="same database", retries=0))
    stage.send(paid, [{}])
    assert worker(stage).drain()["dead"] == 1
    (dead,) = stage.dead()
    assert "has ended the transaction of its delivery" in dead.error


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_receiver_that_passes_an_error_has_failed_if_nothing_is_committed(stage, paid, kind):
    """PostgreSQL rolls back at the COMMIT, and reports no error."""
    is_aborted = stage.database.dialect == "postgresql"

    def receive(sender, connection, **kwargs):
        note(connection, "passes", "", 1)
        with suppress(Exception):
            connection.cursor().execute("SELECT * FROM nowhere")

    async def areceive(sender, connection, **kwargs):
        await written(connection, "passes", 1)
        if not is_aborted:
            return
        with suppress(Exception):
            await connection.cursor().execute("SELECT * FROM nowhere")

    receiver = receive if kind == "sync" else areceive
    paid.connect(receiver, delivery=durable(name="passes", retries=0))
    stage.send(paid, [{}])
    assert dict(worker(stage).drain()) == {"dead" if is_aborted else "made": 1}
    assert stage.counted("passes") == ({} if is_aborted else {1: 1})
    for dead in stage.dead():
        assert "has passed an error after which the database commits nothing" in dead.error


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("effects", ["any", SAME])
def test_a_response_that_has_not_run_has_failed(stage, paid, effects, kind):
    """A delivery is not settled by a coroutine that nothing awaits."""

    async def work(): ...

    async def areceive(sender, **kwargs):
        return work()

    receiver = areceive if kind == "async" else lambda sender, **kwargs: work()
    options = {} if effects == "any" else {"effects": effects}
    paid.connect(receiver, delivery=durable(name="unrun", retries=0, **options))
    stage.send(paid, [{}])
    assert worker(stage).drain()["dead"] == 1
    (dead,) = stage.dead()
    assert "returned a coroutine that nothing awaits" in dead.error
