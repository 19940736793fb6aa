"""What `clarion.doctor` finds about model signals and engines."""

import gc

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Mapped, mapped_column

from clarion import Signal, durable
from clarion.doctor import Program
from clarion.integrations.sqlalchemy import EngineDatabase, connection_created, post_save
from clarion.integrations.sqlalchemy.doctor import deferred_engines, unsent_senders
from tests.integrations.sqlalchemy.late import new_base
from tests.integrations.sqlalchemy.shop import Order

paid = Signal(name="shop.paid")


def nothing(**kwargs):
    """Do nothing."""


def findings(sender, **options):
    """Return the code, problem and cure of each finding about a receiver for a sender."""
    post_save.connect(nothing, sender=sender, **options)
    return found()


def found():
    """Return the code, problem and cure of each finding about the receiver."""
    found = [each for each in unsent_senders(Program()) if each.subject.endswith(".nothing")]
    assert all(each.line == nothing.__code__.co_firstlineno for each in found)
    assert all(each.file == __file__ for each in found)
    return [(each.code, each.problem.partition("is connected to ")[2], each.cure) for each in found]


def test_text_that_names_no_class():
    """Text that names no class is found, and the nearest name is the cure."""
    assert findings("Ordr") == [
        ("W009", "'Ordr', and no mapped class has this name.", "Did you mean 'Order'?")
    ]


def test_a_mapped_class():
    """A mapped class, or its name, is no finding."""
    assert findings(Order) == []
    assert findings("Order") == []


class Unmapped:
    """A class without a table."""


@pytest.mark.parametrize("subclasses", [False, True])
def test_a_class_that_is_never_mapped(subclasses):
    """A class that is never mapped is found; no write warns of it, because it may be mapped later."""
    [(code, problem, cure)] = findings(Unmapped, subclasses=subclasses)
    assert code == "W001"
    assert problem == f"{__name__}.Unmapped, which no module maps."
    assert "Import the module that maps it" in cure


def test_a_base_whose_subclasses_have_tables():
    """A base that was connected before its subclasses had tables is found."""

    class Named:
        """Is a base of classes with tables."""

    post_save.connect(nothing, sender=Named)

    class Badge(Named, new_base()):  # type: ignore[misc]
        __tablename__ = "badge"
        id: Mapped[int] = mapped_column(primary_key=True)

    [(code, problem, cure)] = found()
    assert Badge.__mro__[1] is Named
    assert code == "W001"
    assert "which has no table, but subclasses with tables" in problem
    assert "subclasses=True" in cure


def test_a_driver_is_no_model():
    """A class of a driver as the sender of connection_created is no finding."""
    connection_created.connect(nothing, sender=Unmapped)
    assert [each for each in unsent_senders(Program()) if each.subject.endswith(".nothing")] == []


@pytest.fixture
def engine(tmp_path):
    """Return an engine of a file whose transactions begin deferred."""
    engine = create_engine(f"sqlite:///{tmp_path}/shop.db")
    event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    yield engine
    engine.dispose()


@pytest.fixture
def stored():
    """Connect a durable receiver."""
    gc.collect()
    paid.connect(nothing, delivery=durable)
    yield
    paid.disconnect(nothing)


def test_an_engine_that_answers_busy(engine, stored):
    """An engine on which SQLite may answer "busy" is found, with the statement that is the cure."""
    database = EngineDatabase(engine)
    assert list(deferred_engines(Program(databases=(database,)))) == []  # there is no file yet
    engine.connect().close()
    [finding] = deferred_engines(Program(databases=(database, database)))
    assert finding.code == "W003"
    assert finding.problem == "The transactions of SQLAlchemy's engine 'default' begin deferred."
    assert "BEGIN IMMEDIATE" in finding.cure


def test_an_engine_in_a_variable(engine, stored, monkeypatch):
    """An engine in a variable of the program's modules is found."""
    engine.connect().close()
    monkeypatch.setitem(globals(), "engine_of_the_program", engine)
    program = Program((__name__,))
    assert [each.code for each in deferred_engines(program)] == ["W003"]
    monkeypatch.setitem(globals(), "engine_of_the_program", create_engine("sqlite://"))
    assert list(deferred_engines(program)) == []


def test_a_database_in_a_variable(engine, stored, monkeypatch):
    """A worker has one for the engine of an extension, which no variable of the program holds."""
    engine.connect().close()
    monkeypatch.setitem(globals(), "database_of_the_program", EngineDatabase(engine))
    assert [each.code for each in deferred_engines(Program((__name__,)))] == ["W003"]


def test_without_durable_receivers(engine):
    """Without durable receivers no engine is a finding."""
    engine.connect().close()
    paid.connect(nothing)
    try:
        assert list(deferred_engines(Program(databases=(EngineDatabase(engine),)))) == []
    finally:
        paid.disconnect(nothing)


def test_an_async_engine(tmp_path, stored):
    """An async engine is examined in an event loop of its own."""
    pytest.importorskip("aiosqlite")
    (tmp_path / "shop.db").touch()
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db")
    program = Program(databases=(EngineDatabase(engine),))
    assert list(deferred_engines(program)) == []
    sync = engine.sync_engine
    event.listen(sync, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
    event.listen(sync, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    assert [each.code for each in deferred_engines(program)] == ["W003"]
