"""The databases of the outbox's tests: each test gets tables of its own."""

import secrets
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from clarion import Signal
from clarion.envelope import seal
from clarion.outbox import store
from clarion.outbox.connection import DbapiConnection
from clarion.outbox.delivery_row import Target
from clarion.outbox.open import open_sqlite
from clarion.outbox.tables import create_tables
from tests.services import MARIADB, POSTGRES

order_paid = Signal(name="shop.order_paid")


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
    """Yield how to connect to a new schema."""
    psycopg = pytest.importorskip("psycopg")
    url, name = POSTGRES.url(), f"clarion_{secrets.token_hex(6)}"

    def connect():
        options = f"-c search_path={name}"
        return DbapiConnection(psycopg.connect(url, autocommit=True, options=options), "postgresql")

    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA {name}")
        try:
            yield connect
        finally:
            admin.execute(f"DROP SCHEMA {name} CASCADE")


@contextmanager
def mariadb(folder):
    """Yield how to connect to a new database."""
    pymysql = pytest.importorskip("pymysql")
    parts, name = urlsplit(MARIADB.url()), f"clarion_{secrets.token_hex(6)}"
    account = {
        "host": parts.hostname,
        "port": parts.port or 3306,
        "user": parts.username,
        "password": parts.password or "",
        "autocommit": True,
    }

    def connect():
        connection = pymysql.connect(database=name, charset="utf8mb4", **account)
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        return DbapiConnection(connection, "mysql")

    with pymysql.connect(**account) as admin:
        admin.cursor().execute(f"CREATE DATABASE {name}")
        try:
            yield connect
        finally:
            admin.cursor().execute(f"DROP DATABASE {name}")


PLACES = {"sqlite": sqlite, "postgresql": postgresql, "mariadb": mariadb}
