"""A pool of connections."""

import os
import sqlite3

import pytest

from clarion.outbox.default import Writer
from clarion.outbox.pool import MOST_IDLE
from tests.outbox.databases import outbox_on
from tests.outbox.places import Place


@pytest.fixture
def place(tmp_path):
    """Return a database in a file."""
    with outbox_on("sqlite", tmp_path) as outbox:
        yield Place(outbox)


@pytest.fixture
def writer(place):
    """Return a pool, which is closed after the test."""
    writer = Writer(place)
    yield writer
    writer.close()


def test_idle_connections_are_used_again(writer):
    """One thread uses one connection for all its transactions."""
    used = []
    for _ in range(5):
        with writer.transaction() as connection:
            used.append(connection)
    assert all(each is used[0] for each in used)
    writer.close()
    assert writer.idle == 0


def test_few_idle_connections_are_kept(place, writer):
    """At most a few idle connections are kept after simultaneous transactions."""
    for _ in range(MOST_IDLE + 2):
        writer.give_back(place.connect())
    assert writer.idle == MOST_IDLE


def test_a_failed_transaction_closes_its_connection(writer):
    """The connection of a failed transaction is closed: its state is unknown."""
    with pytest.raises(LookupError), writer.transaction():
        raise LookupError
    assert writer.idle == 0


def test_a_closed_connection_is_replaced(writer):
    """A connection that the server has closed is replaced."""
    with writer.transaction() as connection:
        connection.rows("now")
    connection.close()
    with writer.transaction() as another:
        assert another.rows("now")
    assert another is not connection


def test_an_altered_connection_is_not_kept(writer):
    """A receiver does not get the row factory of another one."""
    with writer.transaction() as connection:
        connection.connection.row_factory = sqlite3.Row
    assert writer.idle == 0
    with writer.transaction() as another:
        assert another.connection.row_factory is None


@pytest.mark.filterwarnings("ignore:.*fork")  # of other libraries that were imported before
def test_a_child_of_a_fork_opens_its_own(writer):
    """A forked child opens its own connections, and does not use its parent's."""
    with writer.transaction() as connection:
        connection.rows("now")
    child = os.fork()
    if not child:
        with writer.transaction() as own:
            os._exit(0 if own is not connection else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.filterwarnings("ignore:.*fork")  # of other libraries that were imported before
def test_a_child_of_a_fork_closes_no_connection_of_its_parent(writer):
    """The parent uses its idle connection after a child has closed the pool, as at the end of a process."""
    with writer.transaction() as connection:
        connection.rows("now")
    child = os.fork()
    if not child:
        writer.close()
        os._exit(writer.idle)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    with writer.transaction() as again:
        assert again is connection
