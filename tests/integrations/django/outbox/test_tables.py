"""The tables of the outbox in migrations and in test databases."""

from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError

from clarion.errors import BoundaryError
from clarion.integrations.django.outbox.connection import DjangoConnection
from clarion.integrations.django.outbox.tables import (
    LABEL,
    TABLES,
    NotifyWorkers,
    create_unmigrated,
    creation,
)
from clarion.outbox.tables import check_tables, create_tables
from tests.integrations.django.outbox.sends import count, publish
from tests.integrations.django.outbox.test_vendors import Oracle


def tables(alias):
    """Return the tables of the outbox in a database."""
    names = connections[alias].introspection.table_names()
    return {name for name in names if name.startswith("clarion_")}


def columns(alias):
    """Return the columns and indexes of each table."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        return {
            table: (
                connection.introspection.get_table_description(cursor, table),
                sorted(connection.introspection.get_constraints(cursor, table)),
            )
            for table in TABLES
        }


def migrate(alias, name):
    """Migrate the app in a database."""
    executor = MigrationExecutor(connections[alias])
    executor.migrate([(LABEL, name)])


@contextmanager
def migrated(alias):
    """Migrate the app in a database that has its tables, and restore them."""
    with connections[alias].schema_editor() as editor:
        for table in TABLES:
            editor.execute(f"DROP TABLE IF EXISTS {table}")
    try:
        migrate(alias, "0001_initial")
        yield
    finally:
        migrate(alias, None)
        with transaction.atomic(using=alias):
            create_tables(DjangoConnection(alias))


def test_the_migration_creates_the_tables_of_the_outbox(alias):
    """The migration creates exactly the tables that `clarion outbox create` does."""
    created = columns(alias)
    with migrated(alias):
        assert columns(alias) == created
        check_tables(DjangoConnection(alias))
        with transaction.atomic(using=alias):
            publish(DjangoConnection(alias))
        assert count(alias) == 1


def test_the_migration_is_reversible(alias):
    """Undoing the migration drops all tables of the outbox, and only these."""
    with migrated(alias):
        migrate(alias, None)
        assert tables(alias) == set()
        assert "library_author" in connections[alias].introspection.table_names()
        migrate(alias, "0001_initial")
        assert tables(alias) == set(TABLES)


def test_tables_that_exist_are_kept(alias):
    """The migration keeps tables that another program has created."""
    with transaction.atomic(using=alias):
        publish(DjangoConnection(alias))
    try:
        migrate(alias, "0001_initial")
        assert count(alias) == 1
    finally:
        MigrationExecutor(connections[alias]).recorder.record_unapplied(LABEL, "0001_initial")


class Refusing:
    """A router that keeps the app out of a database."""

    def allow_migrate(self, db, app_label, **hints):
        """Refuse the app."""
        return app_label != LABEL


def test_a_router_keeps_the_tables_out_of_a_database(alias, settings):
    """Where a router forbids the app, the migration is recorded and creates nothing."""
    settings.DATABASE_ROUTERS = [Refusing()]
    with migrated(alias):
        assert tables(alias) == set()
        create_unmigrated(using=alias)
        assert tables(alias) == set()


def triggers(alias):
    """Return whether PostgreSQL notifies workers."""
    connection = DjangoConnection(alias)
    found = {row[0] for row in connection.rows("existing")}
    return "clarion_notify" in found


def apply(alias, method):
    """Apply an operation of a migration of the project, or undo it."""
    with connections[alias].schema_editor() as editor:
        getattr(NotifyWorkers(), method)("shop", editor, None, None)


@pytest.mark.service
def test_a_migration_of_the_project_lets_postgresql_notify(postgres_database, transactional_db):
    """The operation creates the trigger, may run again, and is reversible."""
    with transaction.atomic(using=postgres_database):
        create_tables(DjangoConnection(postgres_database))
    for _ in range(2):
        apply(postgres_database, "database_forwards")
        assert triggers(postgres_database)
    for _ in range(2):
        apply(postgres_database, "database_backwards")
        assert not triggers(postgres_database)


def test_the_operation_changes_no_other_database(alias, settings):
    """It does nothing on another kind of database, and where a router refuses the outbox."""
    settings.DATABASE_ROUTERS = [Refusing()]
    before = columns(alias)
    apply(alias, "database_forwards")
    apply(alias, "database_backwards")
    assert columns(alias) == before
    assert connections[alias].vendor != "postgresql" or not triggers(alias)
    settings.DATABASE_ROUTERS = []
    if connections[alias].vendor != "postgresql":
        apply(alias, "database_forwards")
        assert columns(alias) == before


def test_a_test_database_has_the_tables(transactional_db):
    """The migration of the app creates the tables in a test database."""
    check_tables(DjangoConnection("default"))
    assert tables("default") == set(TABLES)


def test_a_database_without_migrations_gets_the_same_tables(alias, settings):
    """With `--nomigrations` the tables exist before Django would create them by the models."""
    created = columns(alias)
    with connections[alias].schema_editor() as editor:
        for table in TABLES:
            editor.execute(f"DROP TABLE {table}")
    create_unmigrated(using=alias)
    assert tables(alias) == set()  # the migrations are turned on
    settings.MIGRATION_MODULES = {LABEL: None}
    create_unmigrated(using=alias)
    assert columns(alias) == created


def test_sql_of_the_migration_is_shown(capsys, transactional_db):
    """`sqlmigrate` shows the statements, and runs none."""
    call_command("sqlmigrate", LABEL, "0001")
    shown = capsys.readouterr().out
    assert "CREATE TABLE IF NOT EXISTS clarion_event" in shown
    assert "('version', 1)" in shown


def test_another_kind_of_database_is_refused():
    """Another kind of database is refused, and the message says how to keep the app out of it."""
    with pytest.raises(BoundaryError) as info:
        list(creation(Oracle))
    assert "allow_migrate()" in info.value.__notes__[0]


def test_a_missing_table_is_an_error_of_the_database(alias):
    """A missing table raises the database's own error, so that `atomic` works."""
    with migrated(alias):
        migrate(alias, None)
        with pytest.raises(DatabaseError), transaction.atomic(using=alias):
            publish(DjangoConnection(alias))
        migrate(alias, "0001_initial")
