"""The database of an outbox, by its URL."""

import asyncio
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from clarion.errors import ArgumentError, MissingExtraError
from clarion.outbox.open import open_database, open_sqlite


def test_readers_and_the_writer_do_not_wait_for_each_other(tmp_path):
    """The file is in WAL mode, and the connection in autocommit mode."""
    writer, reader = (open_sqlite(tmp_path / "outbox.db") for _ in range(2))
    assert writer.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    writer.connection.execute("CREATE TABLE seen (number INTEGER)")
    with writer.transaction():
        writer.connection.execute("INSERT INTO seen VALUES (1)")
        assert reader.connection.execute("SELECT * FROM seen").fetchall() == []
    assert reader.connection.execute("SELECT * FROM seen").fetchall() == [(1,)]
    writer.close()
    reader.close()


def test_a_file_that_cannot_be_opened_has_the_reason_as_a_note(tmp_path):
    """A worker or a program reads which directory is missing."""
    for database in (open_database(f"sqlite:///{tmp_path}/gone/shop.db"), None):
        with pytest.raises(sqlite3.OperationalError, match="unable to open") as caught:
            database.connect() if database else open_sqlite(tmp_path)
        (note,) = caught.value.__notes__
        assert "does not exist: create it" in note if database else "is a directory" in note


def test_a_transaction_is_immediate(tmp_path):
    """Another writer waits when its transaction begins, not at its first write."""
    first, second = (open_sqlite(tmp_path / "outbox.db") for _ in range(2))
    second.connection.execute("PRAGMA busy_timeout = 0")
    with (
        first.transaction(),
        pytest.raises(sqlite3.OperationalError, match="locked"),
        second.transaction(),
    ):
        pass
    first.close()
    second.close()


def test_a_url_names_a_file(tmp_path):
    """Three slashes begin a relative path, four an absolute one."""
    relative: Any = open_database("sqlite:///outbox.db")
    assert relative.path == Path("outbox.db")
    database: Any = open_database(f"sqlite:///{tmp_path}/my%20outbox.db")
    assert database.path == tmp_path / "my outbox.db"
    assert repr(database) == "<SqliteDatabase the SQLite file 'my outbox.db'>"
    connection = database.connect()
    assert connection.rows("now")
    connection.close()


@pytest.mark.parametrize(
    "url",
    [
        "outbox.db",
        "sqlite://outbox.db",
        "sqlite:///",
        "oracle://db",
        "postgresql://db:port/x",
        None,
    ],
)
def test_another_url_is_refused(url):
    """Another URL is refused, without repeating it: it may have a password."""
    if url == "postgresql://db:port/x":
        pytest.importorskip("psycopg")  # its absence would be reported first
    with pytest.raises(ArgumentError, match=r"Give one such as 'sqlite:///outbox\.db'"):
        open_database(url)


@pytest.mark.parametrize(
    ("url", "driver"), [("postgres://x/y", "psycopg"), ("mysql://x/y", "pymysql")]
)
def test_a_missing_driver_is_named(url, driver, monkeypatch):
    """The error for a missing driver has the command that installs it."""
    monkeypatch.delitem(sys.modules, f"clarion.integrations.{driver}", raising=False)
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'clarion-signals\[{driver}\]'"):
        open_database(url)


def test_transactions_of_receivers_commit_or_roll_back(tmp_path):
    """Sync transactions commit or roll back, and async ones run one at a time per loop."""
    database: Any = open_database(f"sqlite:///{tmp_path}/outbox.db")

    def write(transaction, number):
        transaction.provided["connection"].execute("INSERT INTO seen VALUES (?)", [number])

    async def awrite(number, *, fails=False):
        async with database.atransaction() as transaction:
            write(transaction, number)
            await asyncio.sleep(0)
            if fails:
                raise LookupError

    async def several():
        await asyncio.gather(*[awrite(number) for number in range(3)])
        with pytest.raises(LookupError):
            await awrite(4, fails=True)

    with database.transaction() as transaction:
        transaction.provided["connection"].execute("CREATE TABLE seen (number INTEGER)")
    asyncio.run(several())
    with pytest.raises(LookupError), database.transaction() as transaction:
        write(transaction, 5)
        raise LookupError
    with database.transaction() as transaction:
        found = transaction.provided["connection"].execute("SELECT number FROM seen").fetchall()
    database.close_idle()
    assert sorted(found) == [(0,), (1,), (2,)]


def test_a_coroutine_of_a_loop_that_is_gone_can_be_closed(tmp_path):
    """Its transaction is rolled back without the loop, in which nothing can be awaited."""
    database: Any = open_database(f"sqlite:///{tmp_path}/outbox.db")

    async def hang():
        async with database.atransaction() as transaction:
            transaction.provided["connection"].execute("CREATE TABLE seen (number INTEGER)")
            await asyncio.get_running_loop().create_future()

    coroutine = hang()

    async def main():
        task = asyncio.ensure_future(coroutine)
        await asyncio.wait([task], timeout=0.5)
        coroutine.close()
        task.cancel()

    asyncio.run(main())
    with database.transaction() as transaction:
        found = transaction.provided["connection"].execute("SELECT name FROM sqlite_master")
        assert found.fetchall() == []
    database.close_idle()
