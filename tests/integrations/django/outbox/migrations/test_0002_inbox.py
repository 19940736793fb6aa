"""The migration that creates the inbox."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from clarion.integrations.django.outbox.tables import LABEL, TABLES


def tables():
    """Return the tables of the outbox that exist."""
    return {name for name in connection.introspection.table_names() if name in TABLES}


@pytest.mark.django_db(transaction=True)
def test_an_older_outbox_gets_the_inbox():
    """The migration creates only the inbox, and drops only it when it is undone."""
    assert tables() == set(TABLES)
    MigrationExecutor(connection).migrate([(LABEL, "0001_initial")])
    try:
        assert tables() == {*TABLES} - {"clarion_inbox"}
    finally:
        MigrationExecutor(connection).migrate([(LABEL, "0002_inbox")])
    assert tables() == set(TABLES)
