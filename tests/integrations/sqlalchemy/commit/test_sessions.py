"""A new session like another."""

from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.ext.horizontal_shard import ShardedSession
from sqlalchemy.orm import Query, Session, sessionmaker

from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy.commit.sessions import (
    new_async_session,
    new_session,
    options_of,
    transaction_of,
)
from tests.integrations.sqlalchemy.shop import Base, Order, Tag


def test_it_is_of_the_same_class_and_engine(engine, kind):
    """The receiver's session has the class, engine and options of the other, and its own transaction."""
    maker = sessionmaker(engine, class_=kind, autoflush=False, expire_on_commit=False)
    with maker() as session, new_session(session) as fresh:
        assert type(fresh) is type(session)
        assert fresh is not session
        assert fresh.bind is engine
        assert (fresh.autoflush, fresh.expire_on_commit) == (False, False)


def test_it_has_the_engines_of_the_classes():
    """The receiver's session has the engines of all classes."""
    orders, tags = create_engine("sqlite://"), create_engine("sqlite://")
    with Session(binds={Order: orders, Tag: tags}) as session, new_session(session) as fresh:
        assert fresh.get_bind(Order) is orders
        assert fresh.get_bind(Tag) is tags


def test_an_async_session_is_like_its_owner(kind):
    """The receiver's async session has the class of the other, and so has the sync session inside it."""

    class Mine(AsyncSession):
        pass

    engine = create_async_engine("sqlite+aiosqlite://")
    session = Mine(engine, sync_session_class=kind, expire_on_commit=False)
    fresh = new_async_session(session.sync_session)
    assert type(fresh) is Mine
    assert fresh.bind is engine
    assert isinstance(fresh.sync_session, kind)
    assert not fresh.sync_session.expire_on_commit


def test_a_sync_session_has_no_async_one(session):
    """No async session can be made of a sync one, and the error says what to do."""
    with pytest.raises(ArgumentError, match="use an AsyncSession"):
        new_async_session(session)


class Tenants(Session):
    """A session class with arguments of its own."""

    def __init__(self, tenant, **options):
        super().__init__(**options)
        self.tenant = tenant
        self.seen = [tenant]
        self.me = self
        self.hook = self.look

    def look(self):
        return self


def test_arguments_of_the_class(engine):
    """A class whose constructor needs arguments works, because the attributes are copied."""
    with sessionmaker(engine, class_=Tenants, tenant=7)() as session:
        fresh = new_session(session)
        assert fresh.tenant == 7  # type: ignore[attr-defined]
        assert fresh.seen == [7]  # type: ignore[attr-defined]
        assert fresh.seen is not session.seen  # type: ignore[attr-defined]
        assert fresh.me is fresh.hook() is fresh  # type: ignore[attr-defined]


def test_slots_of_the_class(engine):
    """Attributes in `__slots__` are copied, also private ones, but not those without a value."""

    class Slotted(Session):
        __slots__ = ("__secret", "empty", "tenant")

        def __init__(self, tenant, **options):
            super().__init__(**options)
            self.tenant = tenant
            self.__secret = [tenant]

        @property
        def secret(self):
            return self.__secret

    with Slotted(7, bind=engine) as session:
        fresh: Any = new_session(session)
        assert (fresh.tenant, fresh.secret) == (7, [7])
        assert fresh.secret is not session.secret
        assert not hasattr(fresh, "empty")


def test_options_of_sqlalchemy(engine, kind):
    """The receiver's session has every option with which a session can be made."""

    class MyQuery(Query):  # type: ignore[type-arg]
        pass

    options = {
        "autobegin": False,
        "enable_baked_queries": False,
        "join_transaction_mode": "create_savepoint",
        "twophase": True,
    }
    with kind(engine, query_cls=MyQuery, info={"tenant": 7}, **options) as session:
        session.info["clarion_raw"] = 1
        fresh = new_session(session)
        assert {name: getattr(fresh, name) for name in options} == options
        assert fresh.info == {"tenant": 7}
        fresh.info["tenant"] = 8
        assert session.info["tenant"] == 7
        assert type(fresh.query(Tag)) is MyQuery


def test_a_session_that_cannot_be_used_after_its_close(engine):
    """The option `close_resets_only` is copied."""
    with Session(engine, close_resets_only=False) as session:
        fresh = new_session(session)
        fresh.close()
        with pytest.raises(InvalidRequestError, match="closed"):
            fresh.begin()


def test_a_sharded_session():
    """The receiver's session has the shards, and looks in each."""
    engines = {name: create_engine("sqlite://") for name in ("one", "two")}
    for engine in engines.values():
        Base.metadata.create_all(engine)
    session = ShardedSession(
        shards=engines,
        shard_chooser=lambda mapper, instance, clause=None: instance.name,
        identity_chooser=lambda *args, **kwargs: list(engines),
        execute_chooser=lambda context: list(engines),
    )
    session.add_all([Tag(name="one"), Tag(name="two")])
    session.commit()
    with new_session(session) as fresh:
        assert {each.name for each in fresh.query(Tag)} == {"one", "two"}
    session.close()
    for engine in engines.values():
        engine.dispose()


def test_an_async_class_with_arguments():
    """A new async session copies the attributes instead of needing the arguments."""

    class Mine(AsyncSession):
        def __init__(self, tenant, **options):
            super().__init__(**options)
            self.tenant = tenant

    engine = create_async_engine("sqlite+aiosqlite://")
    session = Mine(7, bind=engine, info={"tenant": 7})
    fresh = new_async_session(session.sync_session)
    assert fresh.tenant == 7  # type: ignore[attr-defined]
    assert fresh.bind is engine
    assert fresh.info == {"tenant": 7}
    assert fresh.sync_session is not session.sync_session


def test_it_has_the_options_of_the_connections(engine, session):
    """It has the options that user code gave, except the isolation level of one transaction."""
    given = {"tenant": 7, "isolation_level": "SERIALIZABLE"}
    session.connection(execution_options=given)
    transaction = session.get_transaction()
    used = [(each[0], each[3]) for each in transaction._connections.values()]
    options = options_of(session, used)
    assert options == {engine: {"tenant": 7}}
    session.close()
    with transaction_of(session, [], options) as fresh:
        found = fresh.connection().get_execution_options()
        assert (found["tenant"], found.get("isolation_level")) == (7, None)
    assert options_of(session, []) == {}
