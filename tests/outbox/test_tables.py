"""The tables and their version."""

import pytest

from clarion.outbox import store, tables
from clarion.outbox.delivery_row import Target
from tests.outbox.databases import outbox_on


def test_they_can_be_created_again(connection):
    """The tables can be created again at each start."""
    with connection.transaction():
        tables.create_tables(connection)
    tables.check_tables(connection)


@pytest.mark.service
@pytest.mark.parametrize("notify", [False, True])
def test_creating_them_again_waits_for_no_sender(tmp_path, notify):
    """A sender may have a transaction open for a long time: neither of the two waits for the other."""
    with outbox_on("postgresql", tmp_path) as outbox:
        connection, sender = outbox.open(), outbox.open()
        with connection.transaction():
            tables.create_tables(connection, notify=notify)
        with sender.transaction():
            store.publish(sender, outbox.envelope(), [Target("mail")])
            with connection.transaction():
                connection.connection.execute("SET LOCAL lock_timeout = '2s'")
                tables.create_tables(connection, notify=notify)


@pytest.mark.service
def test_what_is_missing_is_created(tmp_path):
    """An index, or the trigger, may be missing: it is created beside the others."""
    with outbox_on("postgresql", tmp_path) as outbox:
        connection = outbox.open()
        before = sorted(connection.rows("existing"))
        connection.connection.execute("DROP INDEX clarion_delivery_part")
        with connection.transaction():
            tables.create_tables(connection, notify=True)
        assert sorted(connection.rows("existing")) == sorted([*before, ("clarion_notify",)])


@pytest.mark.parametrize(
    ("version", "cure"), [(tables.VERSION + 1, "Upgrade Clarion"), (0, "Migrate the tables")]
)
def test_another_version_is_recognised(connection, monkeypatch, version, cure):
    """Tables of another version are refused; the message says which side is older."""
    monkeypatch.setattr(tables, "VERSION", tables.VERSION - version + 1)
    with pytest.raises(tables.TablesError, match=cure):
        tables.check_tables(connection)
