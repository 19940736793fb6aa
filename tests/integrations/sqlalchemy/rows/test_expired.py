"""Expired columns are read before a flush deletes their row."""

from functools import partial

import pytest
from sqlalchemy import create_engine, delete, event, inspect, select
from sqlalchemy.orm import Session

from clarion import durable, on_commit
from clarion.integrations.sqlalchemy import EngineDatabase, post_delete, pre_delete, pre_save
from clarion.integrations.sqlalchemy.rows.expired import expired_columns, load_expired
from clarion.outbox.adapters import CoreConnection
from clarion.outbox.tables import create_tables
from clarion.worker import Worker
from tests.integrations.sqlalchemy.outbox.zoo import Base, Beast, Hound, Kitten, Thing


@pytest.fixture
def engine(tmp_path):
    """Return the engine of a database with an outbox, a hound and a kitten."""
    found = create_engine(f"sqlite:///{tmp_path / 'zoo.db'}")
    Base.metadata.create_all(found)
    with found.begin() as connection:
        create_tables(CoreConnection(connection))
    with Session(found) as session:
        session.add_all([Hound(id=1, name="h", breed="b"), Kitten(id=2, name="k")])
        session.commit()
    yield found
    found.dispose()


def test_a_query_for_the_base_leaves_columns_expired(engine):
    """They are read once, with one statement; deferred columns are left alone."""
    statements = []
    with Session(engine) as session:
        hound = session.scalars(select(Beast).where(Beast.id == 1)).one()
        state = inspect(hound)
        assert expired_columns(state) == ["breed"]
        event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
        load_expired(state)
        load_expired(state)
        assert (vars(hound)["breed"], len(statements)) == ("b", 1)
        session.expire(hound)
        assert set(expired_columns(state)) == {"id", "kind", "name", "breed"}
    thing = Thing()
    inspect(thing).expired_attributes.update({"long", "data"})
    assert expired_columns(inspect(thing)) == ["data"]


@pytest.mark.parametrize("tables", [["hound"], ["hound", "beast"]], ids=str)
def test_a_row_that_is_gone_has_nothing_to_read(engine, tables):
    """Neither a lost row nor a lost part of it is an error."""
    with Session(engine) as session:
        hound = session.scalars(select(Beast).where(Beast.id == 1)).one()
        for each in tables:
            session.execute(delete(Base.metadata.tables[each]))
        load_expired(inspect(hound))
        assert "breed" not in vars(hound)


@pytest.mark.parametrize("signal", [pre_delete, post_delete])
@pytest.mark.parametrize("is_stored", [False, True])
def test_later_receivers_read_what_a_query_for_the_base_left_out(engine, signal, is_stored):
    """A receiver after the commit or in a worker gets the columns of each table."""
    got = []

    def audit(instance, **kwargs):
        got.append((instance.name, instance.breed))

    way = durable(name="audit", retries=0) if is_stored else on_commit
    signal.connect(audit, sender=Hound, weak=False, delivery=way)
    with Session(engine) as session:
        session.delete(session.scalars(select(Beast).where(Beast.id == 1)).one())
        session.commit()
    Worker(EngineDatabase(engine)).drain()
    assert got == [("h", "b")]


def test_a_signal_before_the_flush_stores_what_a_commit_has_expired(engine):
    """The snapshot of `pre_delete` and `pre_save` has the values of the row."""
    got = []

    def audit(instance, signal, **kwargs):
        got.append((signal, instance.name, instance.breed))

    way = partial(durable, missing="snapshot", retries=0)
    pre_save.connect(audit, sender=Hound, weak=False, delivery=way(name="save"))
    pre_delete.connect(audit, sender=Hound, weak=False, delivery=way(name="delete"))
    with Session(engine) as session:
        hound = session.get_one(Hound, 1)
        session.commit()
        hound.name = "new"
        session.commit()
        session.delete(hound)
        session.commit()
    Worker(EngineDatabase(engine)).drain()
    assert sorted(got, key=lambda each: each[0] is pre_delete) == [
        (pre_save, "new", "b"),
        (pre_delete, "new", "b"),
    ]
