"""Instances come back from their rows, in the session of the receiver."""

import asyncio
import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import create_engine, delete, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.ext.horizontal_shard import ShardedSession
from sqlalchemy.orm import Session, load_only

from clarion import Signal, signal
from clarion.envelope import GoneError, seal
from clarion.errors import DecodingError, EncodingError
from clarion.integrations.sqlalchemy import alias
from clarion.integrations.sqlalchemy.outbox.references import MAPPED
from tests.integrations.sqlalchemy.late import map_class, new_base
from tests.integrations.sqlalchemy.outbox.zoo import Base, Beast, Hound, Kitten, Size, Stay, Thing

sent = Signal(name="zoo.sent")

STAY = {
    "guest": UUID(int=7),
    "day": dt.date(2026, 2, 28),
    "rate": Decimal("9.50"),
    "size": Size.BIG,
}
THING = {
    "at": dt.datetime(2026, 2, 28, 12, 30, 15, 999),  # noqa: DTZ001  # SQLite keeps no zone
    "span": dt.timedelta(days=1, microseconds=1),
    "data": b"\0\xff",
    "price": Decimal("1.10"),
    "size": Size.SMALL,
    "extra": {"a": [1, None]},
    "long": "long",
}


@pytest.fixture
def engine(tmp_path):
    """Return the engine of an empty zoo."""
    made = create_engine(f"sqlite:///{tmp_path / 'zoo.db'}")
    Base.metadata.create_all(made)
    yield made
    made.dispose()


def stored(instance, **options):
    """Return the envelope of a send of an instance, which is added and flushed."""
    return seal(sent, {"sender": None, "signal": sent, "instance": instance}, **options)


def saved(engine, instance, **options):
    """Save an instance, and return the envelope of its send."""
    with Session(engine) as session:
        session.add(instance)
        session.flush()
        envelope = stored(instance, **options)
        session.commit()
    return envelope


@pytest.mark.parametrize(
    "instance",
    [
        pytest.param(lambda: Stay(**STAY), id="composite"),
        pytest.param(lambda: Hound(name="d", breed="b"), id="joined"),
        pytest.param(lambda: Kitten(name="c"), id="single"),
        pytest.param(lambda: Beast(name="a"), id="base"),
        pytest.param(lambda: Thing(**THING), id="values"),
    ],
)
def test_an_instance_is_loaded_in_the_session_of_the_receiver(engine, instance):
    """An instance is loaded in the receiver's session, with its class and the present values."""
    given = instance()
    envelope = saved(engine, given)
    with Session(engine) as session:
        loaded = envelope.arguments(sent, session)["instance"]
        assert type(loaded) is type(given)
        assert loaded in session
        key = inspect(loaded).identity
    with Session(engine) as session:
        session.delete(session.get(type(given), key))
        session.commit()
    with Session(engine) as session, pytest.raises(GoneError, match=type(given).__name__):
        envelope.arguments(sent, session)


def test_an_async_session_loads_in_run_sync(tmp_path, engine):
    """With an async session the worker decodes in `run_sync`, because decoding loads rows."""
    envelope = saved(engine, Kitten(name="c"))

    async def main():
        connected = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'zoo.db'}")
        async with AsyncSession(connected) as session:
            arguments = await session.run_sync(lambda _: envelope.arguments(sent, session))
            assert arguments["instance"].name == "c"
        await connected.dispose()

    asyncio.run(main())


def test_a_snapshot_replaces_a_row_that_is_gone(engine):
    """For a row that is gone, the receiver gets a detached snapshot with the loaded columns."""
    with Session(engine) as session:
        thing = Thing(**THING)
        session.add(thing)
        session.commit()
        key = thing.id
        session.refresh(thing)
        envelope = stored(thing, snapshots=True)
        session.delete(thing)
        session.commit()
    with Session(engine) as session:
        loaded = envelope.arguments(sent, session, snapshots=True)["instance"]
    assert inspect(loaded).detached
    assert loaded.id == key
    without = {name: value for name, value in THING.items() if name != "long"}
    assert {name: getattr(loaded, name) for name in without} == without
    assert "long" not in inspect(loaded).dict
    assert type(loaded.extra).__name__ == "MutableDict"


def test_a_snapshot_has_the_columns_that_were_never_set(engine):
    """An INSERT leaves them unloaded, but they are null. A query may leave out any column."""
    with Session(engine) as session:
        thing = Thing(**{name: value for name, value in THING.items() if name != "span"})
        session.add(thing)
        session.flush()
        fresh = stored(thing, snapshots=True)
        session.commit()
        session.expunge(thing)
        query = select(Thing).options(load_only(Thing.size))
        partly = stored(session.scalars(query).one(), snapshots=True)
        session.execute(delete(Thing))
        session.commit()
        assert fresh.arguments(sent, session, snapshots=True)["instance"].span is None
        found = partly.arguments(sent, session, snapshots=True)["instance"]
    assert (found.size, inspect(found).unloaded >= {"span", "price"}) == (Size.SMALL, True)


@pytest.mark.parametrize("begins", [False, True])
def test_a_snapshot_has_the_values_that_a_commit_has_expired(engine, begins):
    """They are read, and the session is in no transaction that it was not in before."""
    with Session(engine) as session:
        kitten = Kitten(name="then")
        session.add(kitten)
        session.commit()
        if begins:
            session.connection()
        envelope = stored(kitten, snapshots=True)
        assert session.in_transaction() is begins
        session.delete(kitten)
        session.commit()
    with Session(engine) as session:
        found = envelope.arguments(sent, session, snapshots=True)["instance"]
        assert (found.name, inspect(found).detached) == ("then", True)


@pytest.mark.parametrize("begins", [False, True])
def test_a_snapshot_of_a_row_that_is_gone_already_has_its_key(engine, begins):
    """There is nothing more to read."""
    with Session(engine) as session, Session(engine) as other:
        kitten = Kitten(name="then")
        session.add(kitten)
        session.commit()
        key = inspect(kitten).identity
        other.delete(other.get(Kitten, key))
        other.commit()
        if begins:
            session.connection()
        envelope = stored(kitten, snapshots=True)
    with Session(engine) as session:
        found = envelope.arguments(sent, session, snapshots=True)["instance"]
        assert inspect(found).identity == key


def test_expired_values_of_an_async_session_are_refused(tmp_path):
    """Only a coroutine can read them, and the error says what to do."""

    async def main():
        made = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'zoo.db'}")
        async with made.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(made) as session:
            kitten = Kitten(name="then")
            session.add(kitten)
            await session.commit()
            for _ in range(2):
                with pytest.raises(EncodingError, match="expired; refresh it first"):
                    stored(kitten, snapshots=True)
                assert stored(kitten).signal == "zoo.sent"
                await session.connection()
            await session.refresh(kitten)
            assert b"then" in stored(kitten, snapshots=True).payload
        await made.dispose()

    asyncio.run(main())


def test_a_row_that_is_there_is_preferred_to_its_snapshot(engine):
    """If the row is there, the receiver gets it, and not the snapshot."""
    envelope = saved(engine, Kitten(name="then"), snapshots=True)
    with Session(engine) as session:
        session.get_one(Kitten, 1).name = "now"
        session.commit()
    with Session(engine) as session:
        assert envelope.arguments(sent, session, snapshots=True)["instance"].name == "now"


def test_an_instance_without_a_key_is_refused(engine):
    """An instance without a key is refused, and the message says to flush or to use post_save."""
    with Session(engine) as session:
        cat = Kitten(name="c")
        with pytest.raises(EncodingError, match="add it to the session and flush it first"):
            stored(cat)
        session.add(cat)
        with pytest.raises(
            EncodingError, match=r"flush the session first, or connect .* post_save"
        ):
            stored(cat)
        stay = Stay(**STAY)
        session.add(stay)
        stored(stay)  # it has its key, and the commit flushes it


def test_classes_are_stored_by_their_names(engine):
    """A class is stored by its name, and found among the mapped ones without an import."""
    envelope = seal(sent, {"sender": Hound, "signal": sent})
    assert b"outbox.zoo:Hound" in envelope.payload
    assert envelope.arguments(sent)["sender"] is Hound
    with pytest.raises(LookupError, match="no mapped class has the name 'os:path'"):
        MAPPED.load_class("os:path")


def test_two_classes_of_one_name_are_refused():
    """Two classes with one name in one module are refused, because a program could confuse them."""
    first = map_class(new_base(), "Twin")
    assert MAPPED.dump_class(first) == f"{first.__module__}:Twin"
    second = map_class(new_base(), "Twin")
    for each in (first, second):
        with pytest.raises(EncodingError, match="another mapped class"):
            seal(sent, {"sender": each, "signal": sent})
    with pytest.raises(LookupError, match="several mapped classes"):
        MAPPED.load_class(f"{first.__module__}:Twin")
    second.__module__ = "another"
    third = map_class(new_base(), "Third")  # so that the names are read again
    assert MAPPED.load_class(MAPPED.dump_class(first)) is first
    assert MAPPED.load_class(MAPPED.dump_class(third)) is third


def test_the_session_itself_is_not_stored(engine):
    """A session is not stored; a receiver of a declared signal gets the worker's."""

    @signal
    def declared(sender: object, *, number: int, session: Session | None = None) -> None:
        """Something happened."""

    with Session(engine) as session:
        for each in (sent, declared):
            envelope = seal(each, {"sender": None, "signal": each, "number": 1, "session": session})
            assert b"session" not in envelope.payload
            assert envelope.arguments(each, session)["number"] == 1
    without = {"sender": None, "signal": declared, "number": 1, "session": None}
    assert seal(declared, without).arguments(declared) == without
    with pytest.raises(EncodingError, match="session is a str"):
        seal(declared, {**without, "session": "abc"})
    text = seal(sent, {"sender": None, "signal": sent, "session": "abc"})
    assert text.arguments(sent)["session"] == "abc"


def test_without_a_session_it_cannot_be_loaded(engine):
    """Without a session loading an instance is refused with the cure."""
    envelope = saved(engine, Kitten(name="c"))
    with pytest.raises(DecodingError, match="EngineDatabase"):
        envelope.arguments(sent, None)


def test_the_row_of_another_database_is_refused(engine, tmp_path):
    """A row of another database is refused, because its key may be that of another row here."""
    alias(engine, "zoo")
    envelope = saved(engine, Kitten(name="c"))
    other = create_engine("sqlite://")
    with Session(other) as session, pytest.raises(DecodingError, match=r"'zoo'.*'default'"):
        envelope.arguments(sent, session)
    other.dispose()


def test_a_sharded_session_loads_from_the_shard(tmp_path):
    """A sharded session loads from the shard that the identity token names."""
    engines = {name: create_engine(f"sqlite:///{tmp_path / name}.db") for name in ("one", "two")}
    for engine in engines.values():
        Base.metadata.create_all(engine)

    def every_shard(*arguments: Any, **keywords: Any) -> Any:
        return [*engines]

    def opened():
        return ShardedSession(
            shards=engines,
            shard_chooser=lambda mapper, instance, clause=None: instance.name,
            identity_chooser=every_shard,
            execute_chooser=lambda context: [*engines],
        )

    with opened() as session:
        cats = [Kitten(name="one"), Kitten(name="two")]
        session.add_all(cats)
        session.flush()
        envelopes = [stored(each) for each in cats]
        session.commit()
    with opened() as session:
        found = [each.arguments(sent, session)["instance"].name for each in envelopes]
    assert found == ["one", "two"]
    for engine in engines.values():
        engine.dispose()


@pytest.mark.parametrize("damage", ["key", "class"])
def test_a_damaged_reference_is_refused(engine, damage):
    """A damaged reference is refused, and the message says what is wrong."""
    data = MAPPED.dump(_persistent(engine)) | {damage: None}
    with Session(engine) as session, pytest.raises((DecodingError, LookupError)):
        MAPPED.load(data, session)


def _persistent(engine):
    with Session(engine, expire_on_commit=False) as session:
        cat = Kitten(name="c")
        session.add(cat)
        session.commit()
    return cat
