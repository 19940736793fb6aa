"""The tables on a MetaData are those of `create_tables`, and Alembic finds no difference."""

import re
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, inspect, text

from clarion.errors import ArgumentError
from clarion.integrations.sqlalchemy import outbox_tables
from clarion.outbox.adapters import CoreConnection
from clarion.outbox.tables import check_tables, create_tables, notify_statements

alembic_autogenerate = pytest.importorskip("alembic.autogenerate")
migration = pytest.importorskip("alembic.migration")
operations = pytest.importorskip("alembic.operations")


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgres", marks=pytest.mark.service),
        pytest.param("mariadb", marks=pytest.mark.service),
    ]
)
def engine(request, tmp_path):
    """Return an engine of an empty database of each kind."""
    if request.param == "sqlite":
        made = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    else:
        made = create_engine(request.getfixturevalue(f"empty_{request.param}"))
    yield made
    made.dispose()


DETAILS = ("nullable", "default", "autoincrement", "identity")


def described(engine):
    """Return everything that the database knows of its tables."""
    found: dict[str, Any] = {}
    with engine.connect() as connection:
        inspector = inspect(connection)
        for name in inspector.get_table_names():
            columns = [
                (each["name"], repr(each["type"]), [each.get(name) for name in DETAILS])
                for each in inspector.get_columns(name)
            ]
            indexes = sorted(
                (each["name"], each["column_names"], each["unique"], _where(each))
                for each in inspector.get_indexes(name)
            )
            keys = inspector.get_pk_constraint(name)["constrained_columns"]
            options = {}
            if engine.dialect.name != "postgresql":  # see "storage"
                options = inspector.get_table_options(name)
            found[name] = columns, indexes, keys, options
        if engine.dialect.name == "postgresql":
            query = "SELECT relname, reloptions FROM pg_class WHERE relname LIKE 'clarion%'"
            found["storage"] = sorted(map(tuple, connection.execute(text(query))))
        if engine.dialect.name == "sqlite":
            query = "SELECT name, sql FROM sqlite_master WHERE sql LIKE '%ROWID%' OR sql LIKE '%AUTOINC%'"
            found["storage"] = sorted(
                (name, re.findall("WITHOUT ROWID|AUTOINCREMENT", sql))
                for name, sql in connection.execute(text(query))
                if "sqlite" not in name
            )
        found["version"] = connection.execute(text("SELECT name, value FROM clarion_meta")).all()
    return found


def _where(index):
    return str(
        next((v for k, v in index.get("dialect_options", {}).items() if k.endswith("where")), "")
    )


def metadata_for(engine):
    """Return a MetaData with the tables."""
    metadata = MetaData()
    dialect = "mysql" if engine.dialect.name in {"mysql", "mariadb"} else None
    tables = outbox_tables(metadata, dialect=dialect)
    assert set(tables) == set(metadata.tables)
    return metadata


def differences(connection, metadata):
    """Return what a revision of Alembic would change."""
    context = migration.MigrationContext.configure(connection, opts={"compare_type": True})
    return alembic_autogenerate.compare_metadata(context, metadata)


def test_both_ways_create_the_same_tables(engine):
    """Both ways create the same columns, types, keys, indexes, options and version."""
    metadata = metadata_for(engine)
    metadata.create_all(engine)
    one = described(engine)
    metadata.drop_all(engine)
    with engine.begin() as connection:
        create_tables(CoreConnection(connection))
    assert described(engine) == one


def test_alembic_finds_no_difference(engine):
    """Alembic finds no difference after `create_tables` or `create_all`."""
    metadata = metadata_for(engine)
    with engine.begin() as connection:
        create_tables(CoreConnection(connection))
    with engine.connect() as connection:
        assert differences(connection, metadata) == []
    metadata.drop_all(engine)
    metadata.create_all(engine)
    with engine.connect() as connection:
        assert differences(connection, metadata) == []
        check_tables(CoreConnection(connection))


def test_a_generated_migration_creates_them(engine):
    """A generated migration creates the tables with the version and the options."""
    metadata = metadata_for(engine)
    with engine.begin() as connection:
        context = migration.MigrationContext.configure(connection)
        script = alembic_autogenerate.produce_migrations(context, metadata)
        invoke = operations.Operations(context).invoke
        for each in script.upgrade_ops.ops:
            for part in getattr(each, "ops", [each]):
                invoke(part)
        assert differences(connection, metadata) == []
        check_tables(CoreConnection(connection))
    migrated = described(engine)
    metadata.drop_all(engine)
    metadata.create_all(engine)
    assert described(engine) == migrated


@pytest.mark.service
def test_a_revision_of_alembic_creates_and_drops_the_trigger(empty_postgres):
    """It may run again, and the trigger is the one that `create_tables` creates."""
    engine = create_engine(empty_postgres)
    with engine.begin() as connection:
        outbox = CoreConnection(connection)
        create_tables(outbox)
        before = outbox.rows("existing")
        op = operations.Operations(migration.MigrationContext.configure(connection))
        for statement in notify_statements() * 2:
            op.execute(statement)
        assert sorted(outbox.rows("existing")) == sorted([*before, ("clarion_notify",)])
        for statement in notify_statements(drop=True) * 2:
            op.execute(statement)
        assert sorted(outbox.rows("existing")) == sorted(before)
        functions = "SELECT count(*) FROM pg_proc WHERE proname = 'clarion_notify'"
        assert connection.execute(text(functions)).scalar() == 0
    engine.dispose()


def test_tables_for_another_kind_of_database_are_refused(engine):
    """Another kind of database is refused with what to write, and other tables are left alone."""
    is_mysql = engine.dialect.name in {"mysql", "mariadb"}
    metadata = MetaData()
    outbox_tables(metadata, dialect=None if is_mysql else "mysql")
    with pytest.raises(ArgumentError, match=r"outbox_tables\(metadata, dialect="):
        metadata.create_all(engine)
    with pytest.raises(ArgumentError, match="dialect"):
        outbox_tables(MetaData(), dialect="oracle")
    Table("other", other := MetaData(), Column("id", Integer, primary_key=True))
    other.create_all(engine)
    other.drop_all(engine)


def test_a_schema_of_the_metadata_does_not_move_the_tables(engine):
    """The statements name no schema, so the tables are where they look for them."""
    metadata = MetaData(schema="elsewhere")
    is_mysql = engine.dialect.name in {"mysql", "mariadb"}
    outbox_tables(metadata, dialect="mysql" if is_mysql else None)
    metadata.create_all(engine)
    with engine.connect() as connection:
        check_tables(CoreConnection(connection))


@pytest.mark.service
def test_a_translated_schema_gets_the_version(empty_postgres):
    """Tables that an engine creates in another schema are complete."""
    engine = create_engine(empty_postgres)
    with engine.begin() as connection:
        connection.execute(text('CREATE SCHEMA "a tenant"'))
        translated = connection.execution_options(schema_translate_map={None: "a tenant"})
        metadata_for(engine).create_all(translated)
        connection.execute(text('SET LOCAL search_path TO "a tenant"'))
        check_tables(CoreConnection(connection))
    engine.dispose()
