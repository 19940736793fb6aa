"""Engines with connections of their own."""

from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool, StaticPool

from clarion.integrations.sqlalchemy import alias
from clarion.integrations.sqlalchemy.aliases import alias_of
from clarion.integrations.sqlalchemy.outbox.engines import is_in_memory, own_engine


def test_it_has_the_listeners_and_the_alias_of_the_program(tmp_path):
    """The worker's engine has the program's listeners and alias, and no pool."""
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}", hide_parameters=True)
    alias(engine, "shop")
    heard = []
    event.listen(engine, "connect", lambda *args: heard.append("connect"))
    event.listen(engine, "begin", lambda *args: heard.append("begin"))
    for with_events in (True, False):
        own = own_engine(engine.execution_options(logging_token="a"), with_events=with_events)  # noqa: S106
        with own.begin() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        assert alias_of(own) == "shop"
        assert isinstance(own.pool, NullPool)
        assert own.get_execution_options()["logging_token"] == "a"
        assert own.hide_parameters
    assert heard == ["connect", "begin", "connect"]
    engine.dispose()


def test_databases_in_memory_are_recognised():
    """Each URL of a database in memory is recognised."""
    urls = ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"]
    assert all(is_in_memory(create_engine(url, poolclass=StaticPool)) for url in urls)
    assert not is_in_memory(create_engine("sqlite:///a.db"))
