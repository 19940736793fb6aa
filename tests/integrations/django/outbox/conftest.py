"""Databases with an outbox."""

import pytest
from django.db import connections, transaction

from clarion.integrations.django.outbox.connection import DjangoConnection
from clarion.outbox.tables import create_tables

TABLES = ("delivery", "event", "dead", "blocked", "partition")


@pytest.fixture(
    params=[
        "other_database",
        pytest.param("postgres_database", marks=pytest.mark.service),
        pytest.param("mariadb_database", marks=pytest.mark.service),
    ],
    ids=["sqlite", "postgresql", "mariadb"],
)
def alias(request, transactional_db):
    """The alias of a database with an empty outbox: of SQLite, PostgreSQL and MariaDB."""
    alias = request.getfixturevalue(request.param)
    with transaction.atomic(using=alias):
        create_tables(DjangoConnection(alias))
    yield alias
    connections[alias].rollback()
    for table in TABLES:
        with connections[alias].cursor() as cursor:
            cursor.execute(f"DELETE FROM clarion_{table}")  # noqa: S608


@pytest.fixture
def outbox(alias):
    """Return this thread's connection to the outbox."""
    return DjangoConnection(alias)
