"""Databases that the tests of a process use one after another."""

from contextlib import closing

import pytest

from tests.outbox import databases
from tests.reused import MOST_ROWS, execute

CONNECTS = {
    "postgresql": (databases.POSTGRES_OUTBOXES, databases.connect_postgres),
    "mariadb": (databases.MARIADB_OUTBOXES, databases.connect_mariadb),
}

CHANGES = {
    "table": "CREATE TABLE extra (n integer)",
    "missing table": "DROP TABLE effects",
    "column": "ALTER TABLE effects ADD COLUMN extra integer",
    "index": "CREATE INDEX extra ON effects (n)",
    "many rows": "INSERT INTO effects (n) VALUES (1)" + ", (1)" * MOST_ROWS,  # noqa: S608
}


@pytest.fixture(
    params=[pytest.param(each, marks=pytest.mark.service) for each in ("postgresql", "mariadb")]
)
def kind(request):
    """Return a kind of server."""
    return request.param


def run(kind, name, statement):
    """Return the rows of a statement in a database."""
    with closing(CONNECTS[kind][1](name)) as connection:
        return execute(connection.connection, statement)


def used(kind, *statements):
    """Run statements in a database, as a test does; return its name."""
    with CONNECTS[kind][0].lent() as name:
        for statement in statements:
            run(kind, name, statement)
    return name


def test_rows_are_removed(kind):
    """The next test gets the same database, without the rows."""
    name = used(kind, "INSERT INTO effects (n) VALUES (1)", "DELETE FROM clarion_meta")
    with CONNECTS[kind][0].lent() as next_name:
        assert next_name == name
        assert run(kind, name, "SELECT n FROM effects") == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_database_is_dropped(kind, change):
    """A database with other tables, or with many rows, is dropped."""
    name = used(kind, CHANGES[change])
    assert used(kind) != name
    query = "SELECT count(*) FROM information_schema.schemata WHERE schema_name = "
    with CONNECTS[kind][0].lent() as other:
        assert run(kind, other, f"{query}'{name}'") == [(0,)]


def test_no_two_tests_share_a_database(kind):
    """A database is lent to one test at a time."""
    with CONNECTS[kind][0].lent() as one, CONNECTS[kind][0].lent() as two:
        assert one != two
