"""An outbox in MariaDB, through PyMySQL alone."""

from typing import Any

import pytest

from clarion.outbox import open_database
from tests.services import MARIADB

pytestmark = pytest.mark.service


@pytest.fixture
def database():
    """Return the database of the tests."""
    database: Any = open_database(MARIADB.url())
    yield database
    database.close_idle()


def test_a_connection_commits_by_itself_and_reads_committed_rows(database):
    """A connection is in autocommit mode and READ COMMITTED, which locks no gaps between rows."""
    connection = database.connect()
    cursor = connection.connection.cursor()
    cursor.execute("SELECT @@autocommit, @@tx_isolation")
    assert cursor.fetchone() == (1, "READ-COMMITTED")
    connection.close()


def test_a_receiver_has_a_transaction(database):
    """A receiver has a transaction on a connection that is used again."""
    used = []
    for _ in range(2):
        with database.transaction() as transaction:
            used.append(transaction.provided["connection"])
            assert transaction.connection.rows("now")
    assert used[0] is used[1]


def test_a_password_is_not_shown():
    """Neither the name nor the repr shows a password."""
    database: Any = open_database("mariadb://shop:secret@db.example/shop")
    assert "secret" not in repr(database) + database.name
    assert database.name == "MariaDB's database 'shop'"
