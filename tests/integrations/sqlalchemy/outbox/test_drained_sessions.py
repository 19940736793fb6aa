"""drain() with a session on an engine: each database, as the engines of programs begin transactions."""

from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import column, create_engine, insert, select, table
from sqlalchemy.orm import Session

from clarion import Signal, durable
from clarion.integrations.sqlalchemy import bound
from clarion.outbox.adapters import CoreConnection
from clarion.outbox.tables import create_tables
from clarion.testing import commits, drain
from tests.outbox.databases import outbox_on
from tests.outbox.families import address_of, sqlalchemy_url
from tests.savepoints import begin_before_savepoints

DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "mariadb": "mysql+pymysql",
}


@contextmanager
def memory():
    """Yield an engine of a database in memory, with an outbox."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        create_tables(CoreConnection(connection))
    yield engine
    engine.dispose()


@contextmanager
def opened(database, folder):
    """Yield an engine of a file or a server, with an outbox."""
    driver = DRIVERS[database]
    with outbox_on(database, folder) as outbox:
        engine = create_engine(sqlalchemy_url(driver, address_of(outbox)))
        yield engine
        engine.dispose()


BLOCKED = table("clarion_blocked", column("receiver"), column("key"))
ENGINES = ["memory", "memory begins", "sqlite", "sqlite begins", "postgresql", "mariadb"]


@pytest.fixture(params=ENGINES)
def engine(request, tmp_path):
    """Yield an engine with an outbox, whose transactions begin by a listener if its name says so."""
    name, _, begins = request.param.partition(" ")
    with memory() if name == "memory" else opened(name, tmp_path) as made:
        if begins:
            begin_before_savepoints(made)
        yield made


def ordered(**options):
    """Return a signal whose receiver writes in its transaction, and may fail, and its calls."""
    signal, calls = Signal(name="shop.ordered"), []

    def order(sender, name, session, **kwargs):
        session.execute(insert(BLOCKED).values(receiver="x", key=name))
        calls.append(name)
        if name == "bad":
            raise LookupError

    given: Any = {"name": "order", **options}
    signal.connect(order, weak=False, delivery=durable(**given))
    return signal, calls


def written(engine):
    """Return what the receiver has written and committed."""
    with engine.connect() as connection:
        found = connection.scalars(select(BLOCKED.c.key).where(BLOCKED.c.receiver == "x"))
        return sorted(found)


@pytest.mark.parametrize("effects", [None, "same database"])
@pytest.mark.parametrize("key", [None, "name"])
def test_deliveries_are_made(engine, effects, key):
    """Each delivery is made and settled once, as by a worker, however the session begins."""
    signal, calls = ordered(effects=effects, key=key)
    with bound(Session(engine)) as session:
        signal.send(None, name="alone")
        assert drain() == {"made": 1}
        session.begin()
        signal.send(None, name="in one")
        session.commit()
        assert drain() == {"made": 1}
        assert drain() == {}
    assert calls == ["alone", "in one"]
    assert written(engine) == ["alone", "in one"]


@pytest.mark.parametrize("effects", [None, "same database"])
def test_a_receiver_that_fails_is_retried(engine, effects):
    """It waits for its retry, dies after the last one, and its writes are undone."""
    signal, calls = ordered(effects=effects, retries=1, backoff=0.0)
    with bound(Session(engine)) as session:
        signal.send(None, name="bad")
        session.commit()
        assert drain(raises=False) == {"retried": 1, "dead": 1}
        signal.send(None, name="bad")
        session.commit()
        with pytest.raises(LookupError):
            drain()
    assert calls == ["bad"] * 3
    assert written(engine) == []


def test_commits_makes_them(engine):
    """commits() makes them at the end of its block."""
    signal, calls = ordered(effects="same database")
    with bound(Session(engine)) as session:
        with commits():
            signal.send(None, name="one")
            session.commit()
        assert calls == ["one"]
    assert written(engine) == ["one"]
