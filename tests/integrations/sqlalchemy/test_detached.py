"""The databases of instances that have left their session."""

import gc
import pickle

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, make_transient_to_detached

from clarion import Signal, durable, on_commit, signal
from clarion.errors import BoundaryError, EncodingError
from clarion.integrations.sqlalchemy import EngineDatabase, alias, bound
from clarion.outbox import use_database
from clarion.outbox.tables import create_tables
from clarion.worker import Worker
from tests.integrations.sqlalchemy.outbox.zoo import Base, Kitten

moved = Signal(name="zoo.moved")


@pytest.fixture
def engines(tmp_path):
    """Return the engines of two databases, whose first rows have the same key."""
    made = [create_engine(f"sqlite:///{tmp_path / name}.db") for name in ("shop", "stats")]
    for each in made:
        Base.metadata.create_all(each)
    shop = EngineDatabase(made[0])
    connection = shop.connect()
    with connection.transaction():
        create_tables(connection)
    connection.close()
    before = use_database(shop)
    yield made
    use_database(before)
    for each in made:
        each.dispose()


@pytest.fixture
def received():
    """Return the names of the instances that a durable receiver gets."""
    names = []

    @moved.connect(delivery=durable(name="zoo.receive", retries=0))
    def receive(sender, kitten, **kwargs):
        names.append(kitten.name)

    yield names
    moved.disconnect(receive)


def saved(engine, name):
    """Return an instance whose session is closed."""
    with Session(engine, expire_on_commit=False) as session:
        kitten = Kitten(name=name)
        session.add(kitten)
        session.commit()
    return kitten


def drain(engine):
    """Make what is stored."""
    return Worker(EngineDatabase(engine)).drain()


def test_a_detached_instance_of_another_database_is_refused(engines, received):
    """Its key is that of another row here, which the receiver would get."""
    shop, stats = engines
    alias(stats, "stats")
    right, wrong = saved(shop, "right"), saved(stats, "wrong")
    assert right.id == wrong.id
    for argument in (wrong, [right, wrong], (wrong,)):
        with pytest.raises(BoundaryError, match=r"'kitten' is .*Kitten of another database"):
            moved.send("zoo", kitten=argument)
        with Session(shop) as session, bound(session), pytest.raises(BoundaryError):
            moved.send("zoo", kitten=argument)
    moved.send("zoo", kitten=right)
    drain(shop)
    assert received == ["right"]


def test_a_detached_instance_keeps_the_alias_of_its_engine(engines, received):
    """Also if the outbox is in a database that is not the default one."""
    shop, _ = engines
    alias(shop, "shop")
    moved.send("zoo", kitten=saved(shop, "right"))
    drain(shop)
    assert received == ["right"]


@pytest.mark.usefixtures("received")
def test_an_instance_whose_database_is_not_known_is_refused(engines):
    """It was unpickled, made by hand, or its session was never closed."""
    shop, stats = engines
    alias(stats, "stats")
    by_hand = Kitten(name="c", id=1)
    make_transient_to_detached(by_hand)
    session = Session(shop, expire_on_commit=False)
    never_closed = Kitten(name="c")
    session.add(never_closed)
    session.commit()
    del session
    gc.collect()
    unpickled = pickle.loads(pickle.dumps(by_hand))  # noqa: S301  # as from a cache
    for each in (by_hand, never_closed, unpickled):
        with pytest.raises(EncodingError, match="in no session, and its database is not known"):
            moved.send("zoo", kitten=each)


def test_without_an_alias_it_is_of_the_only_database(engines, received):
    """A program with one database names none."""
    shop, _ = engines
    by_hand = Kitten(name="c", id=saved(shop, "right").id)
    make_transient_to_detached(by_hand)
    moved.send("zoo", kitten=by_hand)
    drain(shop)
    assert received == ["right"]


def test_an_instance_that_joins_another_session_is_of_its_database(engines, received):
    """The last session counts."""
    shop, stats = engines
    alias(stats, "stats")
    kitten = saved(stats, "stats")
    saved(shop, "shop")
    with Session(shop) as session:
        session.add(kitten)
    moved.send("zoo", kitten=kitten)
    drain(shop)
    assert received == ["shop"]


def test_a_copy_of_an_instance_is_of_its_database(engines, received):
    """A receiver after the commit gets a copy, and may send it on."""
    shop, stats = engines
    alias(shop, "shop")
    alias(stats, "stats")
    saved(shop, "shop")
    placed = Signal(name="zoo.placed")
    refused = []

    @placed.connect(delivery=on_commit)
    def pass_on(sender, kitten, **kwargs):
        try:
            moved.send("zoo", kitten=kitten)
        except BoundaryError as error:
            refused.append(str(error))

    for engine, name in ((shop, "first"), (stats, "second")):
        with Session(engine) as session, session.begin():
            kitten = Kitten(name=name)
            session.add(kitten)
            session.flush()
            placed.send("zoo", kitten=kitten, session=session)
    drain(shop)
    assert received == ["first"]
    assert len(refused) == 1


def test_a_snapshot_is_of_its_database(engines):
    """A receiver may send the object on that it got in place of a row that is gone."""
    shop, stats = engines
    alias(shop, "shop")
    alias(stats, "stats")
    received = []

    @signal(name="zoo.lost")
    def lost(sender: str, *, kitten: Kitten) -> None: ...

    @lost.connect(delivery=durable(name="zoo.find", missing="snapshot", retries=0))
    def find(sender, kitten, n=0, **kwargs):
        received.append(kitten.name)
        if len(received) == 1:
            lost.send("again", kitten=kitten)

    kitten = saved(shop, "gone")
    lost.send("zoo", kitten=kitten)
    with Session(shop) as session:
        session.delete(session.get_one(Kitten, kitten.id))
        session.commit()
    drain(shop)
    assert received == ["gone", "gone"]


def test_a_stored_instance_is_read_in_its_own_database_only(engines, received):
    """A worker whose engine has another alias refuses it, as for an instance in a session."""
    shop, stats = engines
    alias(stats, "stats")
    moved.send("zoo", kitten=saved(shop, "right"))
    alias(shop, "renamed")
    drain(shop)
    assert received == []
