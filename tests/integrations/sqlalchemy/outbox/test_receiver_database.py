"""The database to which background receivers write, without `use_database`."""

import asyncio
from contextlib import nullcontext

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from clarion import Signal, on_commit
from clarion.background import EngineDelivery, adeliver, deliver
from clarion.commit.providers import providers
from clarion.errors import BoundaryError
from clarion.integrations.sqlalchemy import EngineDatabase, alias, bound
from clarion.integrations.sqlalchemy.aliases import engine_of
from clarion.integrations.sqlalchemy.commit.provider import SessionProvider
from clarion.integrations.sqlalchemy.outbox.own_session import SessionDatabase, receiver_database
from tests.background.recorder import Recorder
from tests.integrations.sqlalchemy.commit.outboxes import file_engine
from tests.integrations.sqlalchemy.shop import Tag

ALIAS = "of the receivers"
failures: list[Exception] = []


def tag(sender, name, session, **kwargs):
    """Write a tag, and fail if the test wants it."""
    session.add(Tag(name=name))
    if failures:
        raise failures.pop()


async def atag(sender, name, session, **kwargs):
    """Write as `tag`."""
    tag(sender, name, session)


@pytest.fixture
def engine(tmp_path):
    """Yield the engine of a file with an outbox."""
    failures.clear()
    made = file_engine(tmp_path / "shop.db")
    yield made
    made.dispose()


@pytest.fixture(autouse=True)
def _without_django(monkeypatch):
    """Leave out the default database of the Django project of other tests."""
    found = [each for each in providers() if isinstance(each, SessionProvider)]
    monkeypatch.setattr("clarion.background.databases.providers", lambda: found)


@pytest.fixture
def signal():
    """Return a signal."""
    return Signal(name="shop.tagged")


def body_of(signal, receiver, engine, **options):
    """Connect a receiver, and return the body of a call that waits for a session of the engine."""
    recorder = Recorder()
    delivery = EngineDelivery(recorder)(effects="same database", **options)
    signal.connect(receiver, delivery=delivery)
    with Session(engine) as session, bound(session):
        signal.send(None, name="new")
    return recorder.calls[0].body


def names(engine):
    """Return the names of the tags that are committed."""
    with Session(engine) as session:
        return session.scalars(select(Tag.name)).all()


def make_twice(body):
    """Make a call twice by each carrier, after one failure."""
    failures.append(LookupError("mine"))
    with pytest.raises(LookupError):
        deliver(body)
    for _ in range(2):
        deliver(body)
        asyncio.run(adeliver(body))


@pytest.mark.parametrize("receiver", [tag, atag])
@pytest.mark.parametrize("using", [None, ALIAS])
def test_the_engine_of_an_alias(signal, engine, receiver, using):
    """A receiver writes to the engine of its alias, once for all duplicates of a call."""
    alias(engine, using or "default")
    make_twice(body_of(signal, receiver, engine, using=using))
    assert names(engine) == ["new"]


def test_without_an_alias_there_is_no_database(signal, engine):
    """An engine without an alias is not known, so a session is refused with the cure."""
    body = body_of(signal, tag, engine)
    while (other := engine_of("default")) is not None:
        alias(other, "another test")
    with pytest.raises(BoundaryError, match="use_database"):
        deliver(body)


@pytest.mark.parametrize("receiver", [tag, atag])
def test_a_bound_session_comes_first(signal, engine, receiver, tmp_path):
    """The database of a bound session is preferred, and the receiver gets a session of its own."""
    other = file_engine(tmp_path / "other.db")
    alias(other, "default")
    body = body_of(signal, receiver, other)
    with Session(engine) as session, bound(session):
        assert isinstance(receiver_database(None), SessionDatabase)
        make_twice(body)
        assert not session.in_transaction()
    assert (names(engine), names(other)) == (["new"], [])
    other.dispose()


@pytest.mark.usefixtures("engine")
def test_an_async_engine(tmp_path, signal):
    """An async receiver of an async engine gets an AsyncSession."""
    asynchronous = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db")
    alias(asynchronous, ALIAS)
    found = receiver_database(ALIAS)
    assert isinstance(found, EngineDatabase)
    assert found.is_async
    assert receiver_database(ALIAS) is found
    kinds = []

    async def note(sender, session, **kwargs):
        kinds.append(type(session))

    recorder = Recorder()
    signal.connect(note, weak=False, delivery=EngineDelivery(recorder)(name="note"))

    async def main():
        async with AsyncSession(asynchronous) as session:
            with bound(session):
                await signal.asend(None)
                await adeliver(recorder.calls[0].body)
        await asynchronous.dispose()

    asyncio.run(main())
    assert kinds == [AsyncSession]


@pytest.mark.parametrize("is_bound", [False, True])
def test_there_may_be_none(is_bound):
    """No engine has the alias, or it is a database in memory, which other sessions do not see."""
    memory = create_engine("sqlite://")
    alias(memory, ALIAS)
    asynchronous = create_async_engine("sqlite+aiosqlite://")
    session = AsyncSession(asynchronous)
    with bound(session) if is_bound else nullcontext():
        assert receiver_database(ALIAS) is None
        assert receiver_database("another") is None
        if is_bound:
            assert receiver_database(None) is None


def test_the_last_engine_of_an_alias_counts(engine, tmp_path):
    """A program that creates its engine again has one with the same alias."""
    again = file_engine(tmp_path / "again.db")
    alias(engine, ALIAS)
    alias(again, ALIAS)
    found = receiver_database(ALIAS)
    assert isinstance(found, EngineDatabase)
    assert found.engine is again
    again.dispose()


tagged = Signal(name="shop.tagged_by_a_receiver")


def send(sender, name, session, **kwargs):
    """Write a tag, send in the same transaction, and fail if the test wants it."""
    session.add(Tag(name=name))
    session.flush()
    tagged.send(None, name=name)
    if failures:
        raise failures.pop()


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_what_a_receiver_sends_waits_for_its_own_transaction(engine, signal, is_async):
    """In a bound session too, a send of the receiver is dropped if the attempt fails."""
    seen = []

    def note(sender, name, **kwargs):
        seen.append(names(engine))

    body = body_of(signal, send, engine)
    call = (lambda: asyncio.run(adeliver(body))) if is_async else (lambda: deliver(body))
    with tagged.connected(note, delivery=on_commit), Session(engine) as session, bound(session):
        failures.append(LookupError())
        with pytest.raises(LookupError):
            call()
        assert seen == []
        call()
    assert seen == [["new"]]
