"""One call of a receiver, in the transaction that it needs."""

import asyncio
from inspect import isawaitable

from clarion import durable
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


def test_what_a_failed_receiver_has_written_is_rolled_back(stage, paid):
    """Its row stays, and the next attempt writes once."""

    @paid.connect(delivery=durable(name="same", effects=SAME, backoff=0.0))
    def receive(sender, n, attempt, connection, **kwargs):
        note(connection, "same", "", n)
        if attempt == 1:
            raise ValueError

    stage.send(paid, [{"n": n} for n in range(10)])
    until_empty(stage)
    assert stage.counted("same") == dict.fromkeys(range(10), 1)


def test_async_receivers_with_a_connection_do_not_block_each_other(stage, paid):
    """One waits in its transaction while the others begin theirs."""

    @paid.connect(delivery=durable(name="awaited", effects=SAME))
    async def receive(sender, n, connection, **kwargs):
        await asyncio.sleep(0.01)
        await written(connection, "awaited", n)
        await asyncio.sleep(0.01)

    stage.send(paid, [{"n": n} for n in range(20)])
    ended = in_thread(worker(stage, concurrency=4).drain, seconds=15)
    assert ended["made"] == 20
    assert stage.counted("awaited") == dict.fromkeys(range(20), 1)
