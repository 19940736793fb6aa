"""An atomic() block that keeps drain() from writing to its file of SQLite."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from clarion import Signal, durable
from clarion.commit import atomic
from clarion.errors import BoundaryError
from clarion.outbox import open_database
from clarion.outbox.tables import create_tables
from clarion.testing import drain


@pytest.fixture
def database(tmp_path):
    """Return the database of a file with an outbox."""
    found = open_database(f"sqlite:///{tmp_path}/shop.db")
    connection = found.connect()
    with connection.transaction():
        create_tables(connection)
    connection.close()
    return found


@pytest.fixture
def sent():
    """Return a signal with a durable receiver, and the numbers of its calls."""
    signal, calls = Signal(name="shop.sent"), []
    signal.connect(lambda n, **kwargs: calls.append(n), weak=False, delivery=durable(name="n"))
    return signal, calls


def as_dict(cursor, row):
    """Return a row as a program may want it."""
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


@pytest.mark.parametrize("isolation_level", ["DEFERRED", "IMMEDIATE"])
def test_a_block_that_has_written_is_refused(database, sent, isolation_level):
    """Its sends are not committed, and drain() could never write."""
    signal, calls = sent
    connection = sqlite3.connect(database.path, isolation_level=isolation_level)
    connection.row_factory = as_dict
    with atomic(connection):
        signal.send(None, n=1)
        with pytest.raises(BoundaryError, match="Make them after the block"):
            drain(database)
    assert drain(database) == {"made": 1}
    assert calls == [1]
    connection.close()


@pytest.mark.parametrize(("journal", "is_refused"), [("wal", False), ("delete", True)])
def test_a_block_that_has_read_is_refused_without_wal(database, sent, journal, is_refused):
    """A reader keeps others from committing there."""
    signal, calls = sent
    connection = sqlite3.connect(database.path)
    connection.execute(f"PRAGMA journal_mode = {journal}")
    with atomic(connection):
        signal.send(None, n=1)
    with atomic(connection):
        connection.execute("SELECT * FROM clarion_event").fetchall()
        if is_refused:
            with pytest.raises(BoundaryError, match="Make them after the block"):
                database.check_unlocked()
        else:
            assert drain(database) == {"made": 1}
    assert calls == ([] if is_refused else [1])
    connection.close()


def test_blocks_on_other_files_are_no_obstacle(database, sent, tmp_path):
    """Nor is one of another thread, whose transaction may end meanwhile."""
    signal, calls = sent
    other = sqlite3.connect(tmp_path / "other.db", isolation_level="IMMEDIATE")
    own = sqlite3.connect(database.path)
    with atomic(own):
        signal.send(None, n=1)
    with atomic(other):
        assert drain(database) == {"made": 1}
    with atomic(own), ThreadPoolExecutor() as threads:
        assert own.in_transaction
        threads.submit(copy_context().run, database.check_unlocked).result()
    assert calls == [1]
    for each in (other, own):
        each.close()
