"""The tables and their version."""

import pytest

from clarion.outbox import tables


def test_they_can_be_created_again(connection):
    """The tables can be created again at each start."""
    with connection.transaction():
        tables.create_tables(connection)
    tables.check_tables(connection)


@pytest.mark.parametrize(
    ("version", "cure"), [(tables.VERSION + 1, "Upgrade Clarion"), (0, "Migrate the tables")]
)
def test_another_version_is_recognised(connection, monkeypatch, version, cure):
    """Tables of another version are refused; the message says which side is older."""
    monkeypatch.setattr(tables, "VERSION", tables.VERSION - version + 1)
    with pytest.raises(tables.TablesError, match=cure):
        tables.check_tables(connection)
