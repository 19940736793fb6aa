"""Files of SQLite."""

import sqlite3

import pytest

from clarion.outbox.open import open_sqlite


def test_readers_and_the_writer_do_not_wait_for_each_other(tmp_path):
    """The file is in WAL mode, and the connection commits by itself."""
    writer, reader = (open_sqlite(tmp_path / "outbox.db") for _ in range(2))
    assert writer.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    writer.connection.execute("CREATE TABLE seen (number INTEGER)")
    with writer.transaction():
        writer.connection.execute("INSERT INTO seen VALUES (1)")
        assert reader.connection.execute("SELECT * FROM seen").fetchall() == []
    assert reader.connection.execute("SELECT * FROM seen").fetchall() == [(1,)]
    writer.close()
    reader.close()


def test_a_transaction_is_immediate(tmp_path):
    """Another writer waits at its beginning, not in the middle."""
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
