"""A pool of connections."""

import os

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
    """One thread needs one connection."""
    used = []
    for _ in range(5):
        with writer.transaction() as connection:
            used.append(connection)
    assert all(each is used[0] for each in used)
    writer.close()
    assert writer.idle == 0


def test_few_idle_connections_are_kept(place, writer):
    """As many as had a transaction at the same time, and not more than a few."""
    for _ in range(MOST_IDLE + 2):
        writer.give_back(place.connect())
    assert writer.idle == MOST_IDLE


def test_a_failed_transaction_closes_its_connection(writer):
    """It may be in any state."""
    with pytest.raises(LookupError), writer.transaction():
        raise LookupError
    assert writer.idle == 0


def test_a_closed_connection_is_replaced(writer):
    """A server closes idle connections."""
    with writer.transaction() as connection:
        connection.rows("now")
    connection.close()
    with writer.transaction() as another:
        assert another.rows("now")
    assert another is not connection


@pytest.mark.filterwarnings("ignore:.*fork")  # of other libraries that were imported before
def test_a_child_of_a_fork_opens_its_own(writer):
    """A connection must not be used by two processes."""
    with writer.transaction() as connection:
        connection.rows("now")
    child = os.fork()
    if not child:
        with writer.transaction() as own:
            os._exit(0 if own is not connection else 1)
    assert os.waitpid(child, 0)[1] == 0
