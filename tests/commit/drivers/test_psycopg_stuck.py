"""An interrupt may leave the lock of psycopg locked: a rollback would wait forever."""

from threading import Thread

import pytest

from clarion.commit import atomic
from clarion.commit.drivers import psycopg as drivers
from clarion.commit.drivers.choose import driver_for
from tests.commit.databases import table_name
from tests.services import POSTGRES

psycopg = pytest.importorskip("psycopg")
sqlalchemy = pytest.importorskip("sqlalchemy")

TransactionStatus = psycopg.pq.TransactionStatus

pytestmark = [pytest.mark.service, pytest.mark.usefixtures("_plain_python")]

PATIENCE = 20


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """Wait for a lock for a short time."""
    monkeypatch.setattr(drivers, "STUCK_AFTER", 0.05)


@pytest.fixture
def other():
    """Return a connection that sees what is committed."""
    with psycopg.connect(POSTGRES.url(), autocommit=True) as made:
        yield made


@pytest.fixture
def table(other):
    """Return the name of a table."""
    name = table_name()
    other.execute(f"CREATE TABLE {name} (id int)")
    yield name
    other.execute(f"DROP TABLE {name}")


@pytest.fixture(params=["psycopg", "sqlalchemy"])
def connection(request):
    """Return a connection of psycopg, or one of SQLAlchemy on it."""
    if request.param == "psycopg":
        made = psycopg.connect(POSTGRES.url())
        yield made
        made.close()
        return
    url = POSTGRES.url().replace("postgresql://", "postgresql+psycopg://")
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as made:
        yield made
    engine.dispose()


def below(connection):
    """Return the connection of psycopg."""
    return connection.connection.driver_connection if is_core(connection) else connection


def is_core(connection):
    """Return whether it is a connection of SQLAlchemy."""
    return hasattr(connection, "exec_driver_sql")


def interrupted(connection, table):
    """Add a row, and stop as if a signal handler raised where psycopg has just locked its lock."""
    execute = connection.exec_driver_sql if is_core(connection) else connection.execute
    execute(f"INSERT INTO {table} VALUES (1)")  # noqa: S608
    below(connection).lock.acquire()
    raise KeyboardInterrupt


def in_transaction(connection, table):
    """Stop in a transaction."""
    with atomic(connection):
        interrupted(connection, table)


def in_savepoint(connection, table):
    """Stop in a savepoint."""
    with atomic(connection), atomic(connection):
        interrupted(connection, table)


@pytest.mark.parametrize("program", [in_transaction, in_savepoint])
def test_the_connection_is_closed(connection, table, other, program):
    """The block ends at once, and the server rolls back."""
    ended, locked = [], below(connection)

    def run():
        try:
            program(connection, table)
        except KeyboardInterrupt:
            ended.append(True)

    # A daemon: it would wait forever.
    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert ended == [True]
    assert locked.closed
    assert other.execute(f"SELECT id FROM {table}").fetchall() == []  # noqa: S608


def test_a_long_statement_of_another_thread(connection):
    """A connection that executes one is not closed: the rollback waits for its end."""
    used, found = below(connection), []

    def sleep():
        found.append(used.execute("SELECT 1 FROM pg_sleep(0.5)").fetchone())

    thread = Thread(target=sleep)
    with pytest.raises(ValueError, match="early"), atomic(connection):
        used.execute("SELECT 1")
        thread.start()
        while thread.is_alive() and used.info.transaction_status != TransactionStatus.ACTIVE:
            pass
        raise ValueError("early")
    thread.join()
    assert found == [(1,)]
    assert not used.closed


def test_a_lock_of_another_thread(connection):
    """A connection that another thread uses for a short time is not closed."""
    lock, driver = below(connection).lock, driver_for(connection)
    assert not driver.is_stuck()
    lock.acquire()
    thread = Thread(target=lock.release)
    thread.start()
    assert not driver.is_stuck()
    thread.join()
    assert lock.acquire(blocking=False)
    assert driver.is_stuck()
    lock.release()
