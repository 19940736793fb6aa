"""An open transaction of a bound session, which could keep drain() from writing to SQLite without end."""

import sqlite3

import pytest
from sqlalchemy import create_engine, event, select
from sqlalchemy.orm import Session

from clarion import Signal, durable
from clarion.errors import BoundaryError
from clarion.integrations.sqlalchemy import bound
from clarion.testing import assert_enqueued, drain
from tests.integrations.sqlalchemy.commit.outboxes import with_tables
from tests.integrations.sqlalchemy.shop import Tag
from tests.savepoints import begin_before_savepoints


@pytest.fixture
def tagged():
    """Return a signal, and its durable receiver."""
    signal = Signal(name="shop.tagged")

    def tag(sender, name, **kwargs):
        """Do nothing."""

    signal.connect(tag, weak=False, delivery=durable(name="tag"))
    return signal, tag


def engine_of(folder, *, journal, begins=True):
    """Return an engine of a file with this journal mode."""
    made = create_engine(f"sqlite:///{folder}/shop.db", connect_args={"timeout": 0.1})
    if begins:
        begin_before_savepoints(made)

    @event.listens_for(made, "connect")
    def choose(connection, record):
        connection.execute(f"PRAGMA journal_mode = {journal}")

    return with_tables(made)


@pytest.mark.parametrize("journal", ["delete", "wal"])
@pytest.mark.parametrize("begins", [False, True])
def test_a_session_that_has_written_is_refused(tmp_path, tagged, journal, begins):
    """The send is not committed, and drain() could never write beside it."""
    signal, tag = tagged
    engine = engine_of(tmp_path, journal=journal, begins=begins)
    with Session(engine) as session, bound(session):
        session.add(Tag(name="new"))
        session.flush()
        signal.send(None, name="one")
        with pytest.raises(BoundaryError, match="Commit it first"):
            drain()
        with pytest.raises(AssertionError, match=r"transaction of the Session .* is open here"):
            assert_enqueued(tag)
        session.commit()
        assert_enqueued(tag, name="one")
        assert drain() == {"made": 1}
    engine.dispose()


def test_a_session_that_has_read_is_refused_without_wal(tmp_path, tagged):
    """A reader keeps others from committing there."""
    engine = engine_of(tmp_path, journal="delete")
    with Session(engine) as session, bound(session):
        tagged[0].send(None, name="one")
        session.scalars(select(Tag)).all()
        with pytest.raises(BoundaryError, match="Commit it first"):
            drain()
    engine.dispose()


@pytest.mark.parametrize(("journal", "begins"), [("wal", True), ("delete", False)])
def test_a_session_that_has_read_blocks_no_other(tmp_path, tagged, journal, begins):
    """In WAL mode a reader blocks no writer, and without BEGIN the driver keeps no lock after a read."""
    engine = engine_of(tmp_path, journal=journal, begins=begins)
    with Session(engine) as session, bound(session):
        tagged[0].send(None, name="one")
        session.scalars(select(Tag)).all()
        assert drain() == {"made": 1}
    engine.dispose()


def test_a_session_in_memory_shares_its_transaction(tagged):
    """A database in memory has one connection, which is in one transaction."""
    engine = create_engine("sqlite://")
    begin_before_savepoints(engine)
    with_tables(engine)
    with Session(engine) as session, bound(session):
        tagged[0].send(None, name="one")
        session.scalars(select(Tag)).all()
        with pytest.raises(BoundaryError, match="Commit it first"):
            drain()
        session.commit()
        assert drain() == {"made": 1}
    engine.dispose()


@pytest.mark.skipif(
    not hasattr(sqlite3, "LEGACY_TRANSACTION_CONTROL"), reason="this Python has no autocommit"
)
@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_driver_that_is_always_in_a_transaction(tmp_path, tagged, journal):
    """With autocommit=False the driver begins by itself, and what has only read blocks no other in WAL mode."""
    arguments = {"autocommit": False, "timeout": 0.1}
    engine = create_engine(f"sqlite:///{tmp_path}/shop.db", connect_args=arguments)
    with sqlite3.connect(tmp_path / "shop.db") as raw:
        raw.execute(f"PRAGMA journal_mode = {journal}")
    raw.close()
    with_tables(engine)
    with Session(engine) as session, bound(session):
        session.add(Tag(name="new"))
        tagged[0].send(None, name="one")
        session.flush()
        with pytest.raises(BoundaryError, match="Commit it first"):
            drain()
        session.commit()
        assert drain() == {"made": 1}
        tagged[0].send(None, name="two")
        session.commit()
        session.scalars(select(Tag)).all()
        if journal == "wal":
            assert drain() == {"made": 1}
    engine.dispose()
