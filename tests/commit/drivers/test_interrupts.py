"""An interrupt anywhere in the BEGIN or COMMIT of a real driver."""

import sqlite3
from contextlib import suppress
from functools import partial
from random import Random

import pytest

from clarion import Signal, on_commit
from clarion.commit import atomic
from tests.commit.databases import on_postgres, table_name
from tests.commit.interrupts import (
    KINDS,
    attempts,
    check_outcome,
    interrupted_after,
    records_of_clarion,
)
from tests.commit.servers import connect_pymysql
from tests.services import POSTGRES

pytestmark = pytest.mark.usefixtures("_plain_python")


class Database:
    """A table, the connection under test, and one that sees what is committed.

    Args:
        connect: returns a new connection.
        is_idle: whether a connection is closed, or in no transaction.
    """

    def __init__(self, connect, is_idle):
        self.connect, self.is_idle = connect, is_idle
        self.connection, self.other = connect(), connect()
        self.table = table_name()
        self._on_other(f"CREATE TABLE {self.table} (id int)")

    def insert(self, number=1):
        """Add a row."""
        execute(self.connection, f"INSERT INTO {self.table} VALUES ({number})")  # noqa: S608

    def taken(self):
        """Return the rows that are committed, and delete them."""
        rows = self._on_other(f"SELECT id FROM {self.table}")  # noqa: S608
        self._on_other(f"DELETE FROM {self.table}")  # noqa: S608
        return rows

    def use_again(self):
        """Begin and commit a transaction, on a new connection if the old one is closed."""
        if not self.is_usable():
            self.connect_again()
        with atomic(self.connection):
            self.insert()
        assert len(self.taken()) == 1

    def is_usable(self):
        """Return whether the connection is open."""
        try:
            execute(self.connection, "SELECT 1")
            self.connection.rollback()
        except Exception:  # noqa: BLE001  # each driver has its own
            return False
        return True

    def connect_again(self):
        """Open a new connection."""
        self._close_connection()
        self.connection = self.connect()

    def close(self):
        """Drop the table."""
        self._close_connection()
        self._on_other(f"DROP TABLE {self.table}")
        self.other.close()
        if hasattr(self.other, "engine"):
            self.other.engine.dispose()

    def _close_connection(self):
        with suppress(Exception):  # PyMySQL closes it once only
            self.connection.close()

    def _on_other(self, statement):
        rows = execute(self.other, statement)
        self.other.commit()
        return rows


def execute(connection, statement):
    """Execute a statement; return its rows."""
    if hasattr(connection, "exec_driver_sql"):
        result = connection.exec_driver_sql(statement)
        return result.fetchall() if result.returns_rows else []
    cursor = connection.cursor()
    cursor.execute(statement)
    rows = cursor.fetchall() if cursor.description else []
    cursor.close()
    return rows


def sqlite(tmp_path):
    """On a file, with statements that begin transactions."""

    def connect():
        path = tmp_path / "shop"
        made = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        made.execute("PRAGMA synchronous = OFF")
        return made

    return connect, lambda connection: not connection.in_transaction


def psycopg(tmp_path):
    """On PostgreSQL."""
    driver = pytest.importorskip("psycopg")
    idle = driver.pq.TransactionStatus.IDLE

    def is_idle(connection):
        return connection.closed or connection.info.transaction_status == idle

    return lambda: driver.connect(POSTGRES.url()), is_idle


def pymysql(tmp_path):
    """On MariaDB."""

    def is_idle(connection):
        return not connection.open or not connection.server_status & 1

    return connect_pymysql, is_idle


def alchemy(tmp_path):
    """SQLAlchemy Core, on PostgreSQL."""
    engine = pytest.importorskip("sqlalchemy").create_engine(on_postgres("psycopg"))
    return engine.connect, lambda connection: not connection.in_transaction()


SERVERS = [pytest.param(make, marks=pytest.mark.service) for make in (psycopg, pymysql, alchemy)]


@pytest.fixture(params=[sqlite, *SERVERS], ids=lambda make: make.__name__)
def database(request, tmp_path):
    """Return a database of each kind."""
    made = Database(*request.param(tmp_path))
    yield made
    made.close()


class Shop:
    """A receiver that runs after the commit."""

    def __init__(self):
        self.paid, self.ran, self.statuses = Signal(name="shop.paid"), [], []
        self.paid.connect(self.mail, delivery=on_commit)

    def mail(self, **kwargs):
        """Note the call."""
        self.ran.append("mail")

    def send(self):
        """Send, and keep the handle of the call."""
        self.statuses += [scheduled for _, scheduled in self.paid.send(None)]

    def taken(self):
        """Return the calls and the statuses, and clear them."""
        ran, statuses = self.ran.copy(), [scheduled.status for scheduled in self.statuses]
        self.ran.clear()
        self.statuses.clear()
        return ran, statuses


@pytest.mark.parametrize("kind", KINDS)
def test_interrupted_commit(database, kind):
    """Each receiver runs or is logged, and the connection is closed or in no transaction."""
    shop = Shop()

    def program(interrupt):
        with atomic(database.connection):
            database.insert()
            shop.send()
            interrupt.start()

    outcomes = set()
    with records_of_clarion() as records:
        for interrupt in attempts(program, kind):
            rows = database.taken()
            ran, statuses = shop.taken()
            outcomes.add(bool(rows))
            check_outcome(rows, ran, records, statuses, interrupt.where)
            assert database.is_idle(database.connection), interrupt.where
            records.clear()
            database.use_again()
    assert outcomes == {True, False}


def test_interrupted_begin(database):
    """The connection is closed or in no transaction, and the next block begins one."""

    ended = []

    def program(interrupt):
        interrupt.start()
        with atomic(database.connection):
            interrupt.stop()
            database.insert()
        ended.append(True)

    with records_of_clarion():
        for interrupt in attempts(program, KeyboardInterrupt):
            assert len(database.taken()) == len(ended), interrupt.where
            ended.clear()
            assert database.is_idle(database.connection), interrupt.where
            database.use_again()


def paid(database, shop, number, start):
    """Add a row and send; start the timer before the transaction ends."""
    with atomic(database.connection):
        database.insert(number)
        shop.send()
        start()


@pytest.mark.slow
def test_commits_interrupted_at_random(database):
    """A real signal comes at a random microsecond of thousands of transactions, and no call is lost."""
    shop, random, interrupted = Shop(), Random(0), 0  # noqa: S311
    outcomes = []
    for number in range(2_000):
        with records_of_clarion() as records:
            program = partial(paid, database, shop, number)
            interrupted += interrupted_after(random.uniform(1e-6, 1e-3), program)
            assert database.is_idle(database.connection)
            outcomes.append((*shop.taken(), records.copy()))
        if not database.is_usable():
            database.connect_again()
    # At the end, because a server may still commit what its client has given up.
    rows = {number for (number,) in database.taken()}
    for number, (ran, statuses, records) in enumerate(outcomes):
        check_outcome({number} & rows, ran, records, statuses, number)
    assert 100 < interrupted < len(outcomes)
