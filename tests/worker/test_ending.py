"""How the transaction of a receiver that never returns is ended."""

import asyncio
import threading
from contextlib import suppress

import pytest

from clarion.worker.ending import aend_of, end_of
from tests.worker.stage import note


def test_its_locks_are_released_and_its_writes_undone(stage):
    """Another connection ends it, so its locks are released and its writes undone."""
    with (
        pytest.raises(Exception, match=r"(?i)closed|terminat|lost|gone|interrupt|0, ''"),
        stage.database.transaction() as transaction,
    ):
        end = end_of(stage.database, transaction.connection)
        note(transaction.provided["connection"], "same", "", 1)
        end()
        note(transaction.provided["connection"], "same", "", 2)
    assert stage.effects() == []
    stage.run("INSERT INTO effects (receiver, name, n) VALUES ('other', '', 3)")


def test_a_cursor_with_unread_rows_keeps_no_lock(sqlite_stage):
    """A receiver may hang in the middle of its rows; the database is free all the same."""
    stage, rows = sqlite_stage, []
    with suppress(Exception), stage.database.transaction() as transaction:
        raw = transaction.provided["connection"]
        for n in range(3):
            note(raw, "same", "", n)
        rows.append(raw.execute("SELECT n FROM effects"))
        assert rows[0].fetchone() == (0,)
        end_of(stage.database, transaction.connection)()
        stage.run("INSERT INTO effects (receiver, name, n) VALUES ('other', '', 3)")
    assert stage.effects() == [("other", "", 3)]
    assert rows


def test_a_statement_that_runs_is_interrupted(sqlite_stage):
    """A receiver may hang inside SQLite; the database is free soon."""
    stage, begun = sqlite_stage, threading.Event()
    ends = []

    def receive():
        with suppress(Exception), stage.database.transaction() as transaction:
            raw = transaction.provided["connection"]
            note(raw, "same", "", 1)
            ends.append(end_of(stage.database, transaction.connection))
            begun.set()
            raw.execute(
                "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n"
            )

    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    assert begun.wait(30)
    ends[0]()
    stage.run("INSERT INTO effects (receiver, name, n) VALUES ('other', '', 3)")
    thread.join(30)
    assert not thread.is_alive()
    assert stage.effects() == [("other", "", 3)]


def test_the_transaction_of_an_async_receiver(stage):
    """The transaction of an async receiver is ended in the same way."""

    async def main():
        async with stage.database.atransaction() as transaction:
            end = await aend_of(stage.database, transaction.connection)
            assert end is not None
            end()
            raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(main())
    stage.run("INSERT INTO effects (receiver, name, n) VALUES ('other', '', 3)")
