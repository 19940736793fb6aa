"""Sessions that choose an engine by themselves are asked as a flush asks."""

import pytest
from sqlalchemy import Delete, Update, create_engine
from sqlalchemy.ext.horizontal_shard import ShardedSession
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from clarion import receiver
from clarion.integrations.sqlalchemy import (
    alias,
    m2m_changed,
    post_bulk_insert,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from tests.integrations.sqlalchemy.shop import Author, Base, Book, Tag


@pytest.fixture
def engines():
    """Two databases, each with its name as its alias."""
    made = {name: create_engine("sqlite://", poolclass=StaticPool) for name in ("one", "two")}
    for name, engine in made.items():
        Base.metadata.create_all(engine)
        alias(engine, name)
    yield made
    for engine in made.values():
        engine.dispose()


@pytest.fixture
def routing(engines, kind):
    """The routing session of SQLAlchemy's manual: it writes to "one" and reads from "two"."""

    class Routing(kind):  # type: ignore[valid-type,misc]
        def get_bind(self, mapper=None, clause=None):
            writes = self._flushing or isinstance(clause, (Update, Delete))
            return engines["one" if writes else "two"]

    return Routing


def test_a_routing_session(routing, recorded):
    """`using` is the engine of the write, before the flush and after it."""
    recorded.listen(pre_save, post_save, m2m_changed)
    with routing(expire_on_commit=False) as session:
        session.add(Book(title="b", authors=[Author(name="a")]))
        session.commit()
    assert {each["using"] for each in recorded.take()} == {"one"}


def test_old_values_of_a_routing_session(routing, engines):
    """Old values are read from the engine of the write, after the flush, too."""
    found = []

    @receiver([pre_save, post_save], sender=Tag)
    def note(changes, **kwargs):
        found.append(dict(changes))

    for name, engine in engines.items():
        with Session(engine) as session:
            session.add(Tag(id=1, name=name))
            session.commit()
    found.clear()
    with routing() as session:
        tag = session.get(Tag, 1)
        assert tag.name == "two"
        session.expire(tag)
        tag.name = "new"
        session.commit()
    assert found == [{"name": ("one", "new")}] * 2


def test_the_bulk_methods_of_a_routing_session(routing, recorded):
    """The `using` of a bulk method is the engine to which a flush writes."""
    found = []
    post_bulk_insert.connect(lambda using, **kwargs: found.append(using))
    with routing() as session:
        session.bulk_insert_mappings(Tag, [{"name": "t"}])
        session.commit()
    assert found == ["one"]


@pytest.fixture
def sharded(engines):
    """A session as in SQLAlchemy's manual, whose instances choose the shard."""

    def choose(mapper, instance, clause=None):
        return {"1": "one", "2": "two"}[instance.name[0]]

    def session(**options):
        return ShardedSession(
            shards=engines,
            shard_chooser=choose,
            identity_chooser=lambda *args, **kwargs: list(engines),
            execute_chooser=lambda context: list(engines),
            **options,
        )

    return session


def test_a_sharded_session(sharded, recorded):
    """The instance, which a receiver may change, selects the shard; a bad choice is the flush's error."""
    recorded.listen(pre_save, post_save, pre_delete, post_delete)

    @receiver(pre_save, sender=Tag)
    def move(instance, **kwargs):
        if instance.name == "late":
            instance.name = "1 late"

    @receiver([pre_save, post_save], sender=Tag)
    def look(changes, **kwargs):
        pass

    with sharded() as session:
        tags = [Tag(id=1, name="1"), Tag(id=2, name="2"), Tag(id=3, name="late")]
        session.add_all(tags)
        session.commit()
        found = [(each["instance"].id, each["using"]) for each in recorded.take()[3:]]
        assert found == [(1, "one"), (2, "two"), (3, "one")]
        tags[1].name = "1 but stays"
        session.commit()
        session.delete(tags[1])
        session.commit()
        assert [each["using"] for each in recorded.take()] == ["two"] * 4
        session.add(Tag(name="none"))
        with pytest.raises(KeyError):
            session.flush()
