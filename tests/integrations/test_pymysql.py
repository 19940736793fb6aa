"""An outbox in MariaDB, through PyMySQL alone."""

from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from clarion.errors import ArgumentError
from clarion.integrations.pymysql import PymysqlDatabase
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


def test_the_options_of_a_url_reach_the_driver(database):
    """A socket, limits and a character set are used, and an unknown option is not ignored."""
    with closing(database.connect()) as connection, connection.connection.cursor() as cursor:
        cursor.execute("SELECT @@socket")
        (place,) = cursor.fetchone()
    url = MARIADB.url().partition("?")[0]
    other: Any = open_database(f"{url}?read_timeout=7&charset=utf8mb4&ssl_disabled=true")
    with closing(other.connect()) as connection:
        raw = connection.connection
        assert (raw._read_timeout, raw.ssl) == (7, False)
    if Path(place).exists():
        local: Any = open_database(f"{url}?unix_socket={place}")
        with closing(local.connect()) as connection:
            assert connection.connection.host_info == "Localhost via UNIX socket"


@pytest.mark.parametrize(
    "option", ["colour=red", "charset=nix", "connect_timeout=0", "ssl_disabled=perhaps"]
)
def test_an_option_is_not_ignored(option):
    """An option that PyMySQL does not have, or a wrong value, is refused before a connection."""
    with pytest.raises(ArgumentError, match=f"the option '{option.partition('=')[0]}'"):
        open_database(f"mysql://shop@db.example/shop?{option}")


def test_a_url_names_a_database():
    """Without a database nothing could be stored."""
    with pytest.raises(ArgumentError, match="names no database"):
        open_database("mysql://shop@db.example")


def test_a_password_has_any_letters(database):
    """A password with letters outside Latin-1 is sent in UTF-8."""
    url = MARIADB.url().partition("?")[0]
    with closing(database.connect()) as connection, connection.connection.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE USER clarion_letters IDENTIFIED BY '\u043f\u0430\u0440'")
        try:
            parts = urlsplit(url)
            other = PymysqlDatabase(
                f"mysql://clarion_letters:%D0%BF%D0%B0%D1%80@{parts.hostname}:{parts.port or 3306}/information_schema"
            )
            other.connect().close()
        finally:
            cursor.execute("DROP USER clarion_letters")
