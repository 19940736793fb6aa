"""The alias of an engine, as `using`."""

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import UnboundExecutionError
from sqlalchemy.orm import Session

from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy import alias, post_delete, post_save
from clarion.integrations.sqlalchemy.aliases import alias_of
from tests.integrations.sqlalchemy.shop import Base, Order, Tag


def test_several_engines(kind, recorded):
    """Each class is sent with the alias of the engine that it is written to."""
    main, log = create_engine("sqlite://"), create_engine("sqlite://")
    for engine in (main, log):
        Base.metadata.create_all(engine)
    alias(log, "log")
    recorded.listen(post_save, post_delete)
    with kind(binds={Order: main, Tag: log}) as session:
        tag = Tag(name="t")
        session.add_all([Order(number="1"), tag])
        session.commit()
        session.delete(tag)
        session.commit()
    assert [named["using"] for named in recorded.take()] == ["default", "log", "log"]
    main.dispose()
    log.dispose()


def test_engines_with_options_and_connections(engine, recorded):
    """Engines with options, and connections, have the alias of their engine."""
    alias(engine, "shop")
    assert alias_of(engine.execution_options(isolation_level="SERIALIZABLE")) == "shop"
    recorded.listen(post_save)
    with engine.connect() as connection, Session(connection) as session:
        session.add(Tag(name="t"))
        session.commit()
    assert recorded.take()[0]["using"] == "shop"


def test_a_session_without_an_engine(recorded):
    """A session without an engine raises SQLAlchemy's own error."""
    recorded.listen(post_save)
    session = Session()
    session.add(Tag(name="t"))
    with pytest.raises(UnboundExecutionError):
        session.flush()
    session.close()


def test_swapped_arguments_are_refused():
    """Swapped arguments, and a session, are refused; the message has the right order, and no URL."""
    engine = create_engine("sqlite:///secret.db")
    for given in [("shop", engine), (engine, 5), (engine, None), (Session(engine), "shop")]:
        with pytest.raises(ArgumentError, match=r"Write alias\(engine, name\)") as raised:
            alias(*given)  # type: ignore[arg-type]
        assert "secret" not in str(raised.value)
    engine.dispose()
