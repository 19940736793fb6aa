"""The checks of a worker when it starts."""

import logging
import secrets
from urllib.parse import urlsplit

import pytest

from clarion import durable
from clarion.outbox import open_database
from clarion.outbox.tables import TablesError
from clarion.worker import Worker, unknown_receivers
from tests.worker.stage import worker


def receive(sender, **kwargs):
    """Receive."""


def test_missing_tables_are_said_with_the_cure(tmp_path):
    """Missing tables are one sentence with the cure, without the password."""
    database = open_database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(TablesError, match=r"Create them with `clarion outbox create`"):
        Worker(database).drain()


@pytest.fixture
def stranger(stage):
    """Yield the URL of a user who has no right on the tables."""
    if stage.database.dialect == "sqlite":
        pytest.skip("SQLite has no users")
    parts, name = urlsplit(stage.url), f"clarion_{secrets.token_hex(6)}"
    if stage.database.dialect == "postgresql":
        schema = parts.query.rpartition("%3D")[2]
        made = [f"CREATE ROLE {name} LOGIN", f"GRANT USAGE ON SCHEMA {schema} TO {name}"]
        ends = [f"DROP OWNED BY {name}", f"DROP ROLE {name}"]
    else:
        made = [f"CREATE USER {name}@'%'", f"GRANT CREATE ON {parts.path[1:]}.* TO {name}@'%'"]
        ends = [f"DROP USER {name}@'%'"]
    for statement in made:
        stage.run(statement)
    place = parts.netloc.rpartition("@")[2]
    yield parts._replace(netloc=f"{name}@{place}").geturl()
    for statement in ends:
        stage.run(statement)


def test_the_rights_that_a_user_lacks_are_named(stranger):
    """The cure is a grant, because the tables exist."""
    with pytest.raises(
        TablesError, match=r"cannot be used\. .* Grant it SELECT, INSERT"
    ) as refused:
        Worker(open_database(stranger)).drain()
    assert "outbox create" not in str(refused.value)


def test_tables_of_another_version_are_refused(stage):
    """Tables of another version are refused before any delivery is made."""
    stage.run("UPDATE clarion_meta SET value = 99")
    with pytest.raises(TablesError, match="version 99"):
        worker(stage).drain()


def test_unknown_receivers_are_listed(stage, paid, caplog):
    """The log names the unknown receivers whose deliveries wait."""
    paid.connect(receive, delivery=durable(name="gone"))
    stage.send(paid, [{}, {}])
    paid.disconnect(receive)
    with stage.connected() as connection:
        assert unknown_receivers(connection, ["mail"]) == {"gone": 2}
        assert unknown_receivers(connection, ["gone"]) == {}
    with caplog.at_level(logging.WARNING, "clarion.worker"):
        worker(stage).drain()
    (record,) = caplog.records
    assert "2 deliveries wait for the receiver 'gone'" in record.getMessage()
