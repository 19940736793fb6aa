"""The databases of the outbox's tests: each test gets tables of its own, without rows."""

from collections.abc import Callable
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from clarion import Signal
from clarion.envelope import seal
from clarion.outbox import store
from clarion.outbox.connection import DbapiConnection
from clarion.outbox.delivery_row import Target
from clarion.outbox.open import open_sqlite
from clarion.outbox.tables import create_tables
from tests.reused import MariadbDatabases, PostgresSchemas, mariadb_account
from tests.services import POSTGRES

order_paid = Signal(name="shop.order_paid")

ID = {
    "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "postgresql": "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "mysql": "bigint AUTO_INCREMENT PRIMARY KEY",
}


@dataclass
class Outbox:
    """A database with the tables of the outbox.

    Attributes:
        connect: opens a connection.
    """

    connect: Callable[[], DbapiConnection]

    def __post_init__(self):
        self.opened = []

    def open(self):
        """Open a connection, which is closed after the test."""
        connection = self.connect()
        self.opened.append(connection)
        return connection

    def envelope(self, **keywords):
        """Return one send, written down."""
        return seal(order_paid, {"sender": None, "signal": order_paid, **keywords})

    def publish(self, *targets, connection=None, **keywords):
        """Publish one send, in a transaction of its own, and return its envelope."""
        connection = connection or self.opened[0]
        envelope = self.envelope(**keywords)
        with connection.transaction():
            store.publish(connection, envelope, targets or [Target("mail")])
        return envelope


@contextmanager
def outbox_on(database, folder):
    """Yield an empty outbox on a kind of database."""
    with PLACES[database](folder) as connect:
        outbox = Outbox(connect)
        connection = outbox.open()
        with connection.transaction():
            create_tables(connection)
        try:
            yield outbox
        finally:
            for each in outbox.opened:
                each.close()


@contextmanager
def sqlite(folder):
    """Yield how to open a new file."""
    yield lambda: open_sqlite(folder / "outbox.db")


@contextmanager
def postgresql(folder):
    """Yield how to connect to a schema without rows."""
    with POSTGRES_OUTBOXES.lent() as name:
        yield partial(connect_postgres, name)


@contextmanager
def mariadb(folder):
    """Yield how to connect to a database without rows."""
    with MARIADB_OUTBOXES.lent() as name:
        yield partial(connect_mariadb, name)


def connect_postgres(name):
    """Connect to a schema."""
    psycopg = pytest.importorskip("psycopg")
    options = f"-c search_path={name}"
    connection = psycopg.connect(POSTGRES.url(), autocommit=True, options=options)
    return DbapiConnection(connection, "postgresql")


def connect_mariadb(name):
    """Connect to a database of MariaDB."""
    pymysql = pytest.importorskip("pymysql")
    connection = pymysql.connect(
        database=name, charset="utf8mb4", autocommit=True, **mariadb_account()
    )
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    return DbapiConnection(connection, "mysql")


def create_effects(connection):
    """Create the table for the effects of receivers, if it is missing."""
    cursor = connection.connection.cursor()
    cursor.execute(
        f"CREATE TABLE IF NOT EXISTS effects (id {ID[connection.dialect]}, "
        "receiver varchar(50), name varchar(50), n integer)"
    )
    cursor.close()


def prepare(connect, name):
    """Create the tables that a test of senders or workers finds."""
    with closing(connect(name)) as connection:
        with connection.transaction():
            create_tables(connection)
        create_effects(connection)


POSTGRES_OUTBOXES = PostgresSchemas(partial(prepare, connect_postgres))
MARIADB_OUTBOXES = MariadbDatabases(partial(prepare, connect_mariadb))
PLACES = {"sqlite": sqlite, "postgresql": postgresql, "mariadb": mariadb}
