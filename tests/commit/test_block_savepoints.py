"""Savepoints around the receivers of a send inside atomic() blocks: which block, which statements."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from clarion import Signal, on_commit
from clarion.commit import atomic, savepoints

pytestmark = pytest.mark.usefixtures("_plain_python")

paid = Signal()


def test_savepoint_of_the_innermost_block():
    """Each receiver has a savepoint of the innermost block: released, or rolled back."""
    statements: list[str] = []

    def fail(sender, **kwargs):
        raise ValueError

    for each in (fail, lambda sender, **kw: None):
        paid.connect(each, weak=False)
    with closing(sqlite3.connect(":memory:")) as connection, atomic(connection), atomic():
        connection.set_trace_callback(statements.append)
        savepoints(paid).send_robust(None)
        connection.set_trace_callback(None)
    assert [each.rpartition(" ")[0] for each in statements] == [
        "SAVEPOINT",
        "ROLLBACK TO SAVEPOINT",
        "RELEASE SAVEPOINT",
        "SAVEPOINT",
        "RELEASE SAVEPOINT",
    ]


@pytest.mark.parametrize("is_awaited", [True, False])
def test_block_without_a_connection(is_awaited):
    """The calls that a failing receiver has scheduled are dropped with it."""
    ran = []
    inner = Signal()
    inner.connect(lambda sender, **kw: ran.append(sender), delivery=on_commit, weak=False)

    def fail(sender, **kwargs):
        inner.send("fail")
        raise ValueError

    def work(sender, **kwargs):
        inner.send("work")

    async def main():
        async with atomic():
            await savepoints(paid).asend_robust(None)

    for each in (fail, work):
        paid.connect(each)
    if is_awaited:
        asyncio.run(main())
    else:
        with atomic():
            savepoints(paid).send_robust(None)
    assert ran == ["work"]


def test_sync_block_in_a_coroutine():
    """The savepoints of a sync block in a coroutine are set in the block's thread."""

    def fail(sender, **kwargs):
        raise ValueError

    async def write(sender, **kwargs):
        connection.execute("INSERT INTO t VALUES (1)")

    async def main():
        with atomic(connection):
            return await savepoints(paid).asend_robust(None)

    for each in (fail, write):
        paid.connect(each)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (id INTEGER)")
        responses = asyncio.run(main())
        assert connection.execute("SELECT id FROM t").fetchall() == [(1,)]
    assert [type(each) for _, each in responses] == [ValueError, type(None)]
