"""The error of a send that cannot be stored names its cure."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from clarion import Signal, durable
from clarion.commit import atomic
from clarion.outbox.notes import (
    BUSY_CURE,
    FORBIDDEN_CURE,
    FULL_CURE,
    POOLER_CURE,
    READ_ONLY_CURE,
    cure_of,
    note_cure,
    tables_cure,
)
from clarion.outbox.open import open_sqlite
from clarion.outbox.tables import create_tables
from tests.outbox.databases import outbox_on
from tests.outbox.families import ASYNC, SYNC, address_of


@pytest.fixture
def order_paid():
    """Return a signal with a durable receiver."""
    signal = Signal(name="shop.order_paid")
    signal.connect(lambda sender, **kw: None, weak=False, delivery=durable(name="mail"))
    return signal


@pytest.fixture
def path(tmp_path):
    """Return a file of SQLite with the tables, which another connection can write to at once."""
    with closing(open_sqlite(tmp_path / "a.db")) as connection:
        create_tables(connection)
    return tmp_path / "a.db"


def write(path):
    """Write by another connection."""
    with closing(open_sqlite(path)) as connection:
        connection.change("block", receiver="a", key="k", delay=None)


def test_a_transaction_that_has_read_cannot_write_after_another(path, order_paid):
    """SQLite refuses at once, and the error says how to begin."""
    with closing(sqlite3.connect(path)) as connection:
        with pytest.raises(sqlite3.OperationalError) as error, atomic(connection):
            connection.execute("SELECT count(*) FROM clarion_blocked").fetchone()
            write(path)
            order_paid.send("web")
        assert BUSY_CURE in error.value.__notes__


def test_the_cure_helps_with_sqlite3(path, order_paid):
    """With BEGIN IMMEDIATE the other sqlite3 connection waits."""
    with closing(sqlite3.connect(path, isolation_level="IMMEDIATE")) as connection:
        with atomic(connection):
            connection.execute("SELECT count(*) FROM clarion_blocked").fetchone()
            order_paid.send("web")
        assert connection.execute("SELECT count(*) FROM clarion_delivery").fetchone() == (1,)


def test_with_sqlalchemy(path, order_paid):
    """SQLAlchemy raises the same error, and the listener of its cure prevents it."""
    sqlalchemy = pytest.importorskip("sqlalchemy")
    orm = pytest.importorskip("sqlalchemy.orm")
    for begin, fails in (("BEGIN", True), ("BEGIN IMMEDIATE", False)):
        engine = sqlalchemy.create_engine(f"sqlite:///{path}")
        sqlalchemy.event.listen(engine, "connect", lambda raw, _: _begin_nothing(raw))
        sqlalchemy.event.listen(engine, "begin", lambda c, begin=begin: c.exec_driver_sql(begin))
        with orm.Session(engine) as session:
            session.execute(sqlalchemy.text("SELECT count(*) FROM clarion_blocked")).all()
            if fails:
                write(path)
                with pytest.raises(sqlalchemy.exc.OperationalError) as error:
                    order_paid.send("web", session=session)
                assert BUSY_CURE in error.value.__notes__
            else:
                order_paid.send("web", session=session)
                session.commit()
        engine.dispose()


def _begin_nothing(raw):
    raw.isolation_level = None


@pytest.fixture
def without_tables(family, tmp_path):
    """Return the address of a database from which a table is dropped."""
    with outbox_on(family.database, tmp_path) as outbox:
        cursor = outbox.opened[0].connection.cursor()
        cursor.execute("DROP TABLE clarion_event")
        cursor.close()
        yield address_of(outbox)


@pytest.mark.parametrize("family", SYNC)
def test_missing_tables(family, without_tables, order_paid):
    """A missing table is recognised in the error of each driver."""
    raises = pytest.raises(Exception, match="clarion_event")
    with family.opened(without_tables) as connection, raises as error, atomic(connection):
        order_paid.send("web")
    assert tables_cure() in error.value.__notes__


@pytest.mark.parametrize("family", ASYNC)
def test_missing_tables_on_async_connections(family, without_tables, order_paid):
    """A missing table is recognised on async connections, too."""

    async def main():
        async with family.opened(without_tables) as connection:
            with pytest.raises(Exception, match="clarion_event") as error:
                async with atomic(connection):
                    await order_paid.asend("web")
        return error

    error = asyncio.run(main())
    assert tables_cure() in error.value.__notes__


class DatabaseError(Exception):
    """An error with a number, by the name that each driver of MySQL has for it."""


class DriverError(Exception):
    """An error with a `sqlstate`, as psycopg raises it."""

    sqlstate = "25006"


class PreparedError(Exception):
    """The error of a pooler that has given the transaction another connection of the server."""

    sqlstate = "42P05"


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        (DriverError(), READ_ONLY_CURE),
        (
            DatabaseError(1792, "Cannot execute statement in a READ ONLY transaction"),
            READ_ONLY_CURE,
        ),
        (DatabaseError(1114, "The table is full"), FULL_CURE),
        (ValueError(1114), None),
        (LookupError(1146), None),
        (DatabaseError(13, "no code of MySQL"), None),
        (ValueError("8"), None),
        (PreparedError(), POOLER_CURE),
        (
            DatabaseError(1142, "INSERT command denied for table `shop`.`clarion_event`"),
            FORBIDDEN_CURE,
        ),
        (DatabaseError(1142, "INSERT command denied for table `shop`.`invoices`"), None),
    ],
    ids=str,
)
def test_codes_of_drivers(error, cure):
    """The code is found where each driver has it, and a cure is added once."""
    assert cure_of(error) == cure
    note_cure(error)
    note_cure(error)
    assert getattr(error, "__notes__", []) == ([cure] if cure else [])


@pytest.mark.parametrize(
    ("code", "cure"), [(1114, FULL_CURE), (1290, READ_ONLY_CURE), (1064, None)]
)
def test_an_error_of_mariadb_may_have_a_state_too(code, cure):
    """Newer releases of PyMySQL set it, mostly to one that says nothing."""

    class ServerError(DatabaseError):
        sqlstate = "HY000"

    assert cure_of(ServerError(code, "as the server says")) == cure
