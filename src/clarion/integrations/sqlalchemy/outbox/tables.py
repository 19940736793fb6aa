"""The tables of the outbox on the program's MetaData, so that Alembic creates them.

They are those that `clarion.outbox.tables.create_tables` creates, with the same columns and indexes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BLANK_SCHEMA,
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.mysql import LONGBLOB, LONGTEXT
from sqlalchemy.types import CHAR

from clarion._core.names import value_name
from clarion.errors import ArgumentError
from clarion.outbox.statements import DIALECTS, statements
from clarion.outbox.tables import VERSION

if TYPE_CHECKING:
    from sqlalchemy import MetaData

_MYSQL = ("mysql", "mariadb")
_META = "clarion_meta"

# PostgreSQL's options of a table. SQLAlchemy 2.0 does not know them.
_STORAGE = {
    "clarion_delivery": "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, "
    "autovacuum_vacuum_cost_delay = 0",
    "clarion_partition": "fillfactor = 70",
}

_OPTIONS: dict[str, Any] = {
    f"{name}_{option}": value
    for name in _MYSQL
    for option, value in {
        "engine": "InnoDB",
        "default_charset": "utf8mb4",
        "collate": "utf8mb4_bin",
    }.items()
}
# The statements name no schema, so the tables are where the connection looks for them.
_OPTIONS["schema"] = BLANK_SCHEMA
_BY_KEY: dict[str, Any] = {"sqlite_with_rowid": False}


def add_tables(metadata: MetaData, dialect: str | None = None) -> dict[str, Table]:
    """Add the tables to a MetaData; see `clarion.integrations.sqlalchemy.outbox_tables`."""
    if dialect not in {None, *DIALECTS}:
        raise ArgumentError(
            f"outbox_tables() was given dialect={value_name(dialect)}. Give {', '.join(DIALECTS)}.",
            ["dialect"],
        )
    tables = [
        _meta(metadata),
        _event(metadata),
        _delivery(metadata, is_mysql=dialect == "mysql"),
        _partition(metadata),
        _blocked(metadata),
        _dead(metadata),
        _inbox(metadata),
    ]
    for table in tables:
        table.info["clarion_dialect"] = dialect
    return {table.name: table for table in tables}


def before_create(table: Table, connection: Any, **options: Any) -> None:
    """Refuse tables for another kind of database, whose indexes differ.

    Raises:
        ArgumentError: if they are for MySQL and the database is not, or the other way round.
    """
    if "clarion_dialect" not in table.info:
        return
    name: str = (connection or options["_ddl_runner"]).dialect.name
    if (table.info["clarion_dialect"] == "mysql") != (name in _MYSQL):
        wanted = "mysql" if name in _MYSQL else name
        raise ArgumentError(
            f"The tables of the outbox are for another kind of database. Write "
            f"outbox_tables(metadata, dialect='{wanted}').",
            ["dialect"],
        )


def after_create(table: Table, connection: Any, **options: Any) -> None:
    """Store the version of the tables, and set PostgreSQL's options, also in a migration."""
    if table.name not in {_META, *_STORAGE}:
        return
    # Alembic has no connection if it writes a script.
    runner: Any = connection or options["_ddl_runner"]
    name: str = runner.dialect.name
    # The engine may have a `schema_translate_map`.
    schema = table.schema if connection is None else connection.schema_for_object(table)
    prefix = "" if schema is None else f"{runner.dialect.identifier_preparer.quote_schema(schema)}."
    if table.name == _META:
        write = statements("mysql" if name in _MYSQL else name)["write_version"]
        write = write.replace(_META, prefix + _META).replace(":version", str(VERSION))
        runner.execute(text(write))
    elif name == "postgresql":
        runner.execute(text(f"ALTER TABLE {prefix}{table.name} SET ({_STORAGE[table.name]})"))


def _text(length: int) -> Any:
    return Text().with_variant(String(length), *_MYSQL)


def _uid() -> Any:
    return Text().with_variant(CHAR(32), *_MYSQL)


def _long_text() -> Any:
    return Text().with_variant(LONGTEXT(), *_MYSQL)


def _big() -> Any:
    return BigInteger().with_variant(Integer(), "sqlite")


def _zero(name: str, type_: Any) -> Column[Any]:
    return Column(name, type_, nullable=False, server_default=text("0"))


def _meta(metadata: MetaData) -> Table:
    name = Text().with_variant(String(50), *_MYSQL)
    return Table(
        _META,
        metadata,
        Column("name", name, primary_key=True),
        Column("value", Integer, nullable=False),
        **_OPTIONS,
        **_BY_KEY,
    )


def _event(metadata: MetaData) -> Table:
    payload = LargeBinary().with_variant(LONGBLOB(), *_MYSQL)
    return Table(
        "clarion_event",
        metadata,
        Column("uid", _uid(), primary_key=True),
        Column("signal", _text(200), nullable=False),
        Column("version", Integer, nullable=False),
        Column("payload", payload, nullable=False),
        Column("headers", _long_text(), nullable=False),
        Column("created_at", _big(), nullable=False),
        Index("clarion_event_created", "created_at"),
        **_OPTIONS,
    )


def _delivery(metadata: MetaData, *, is_mysql: bool) -> Table:
    key = Column("key", _text(255))
    part = Column("part", Integer)
    visible = ["receiver", *(["part"] if is_mysql else []), "visible_at", "id"]
    return Table(
        "clarion_delivery",
        metadata,
        Column("id", _big(), Identity(always=False), primary_key=True),
        Column("event", _uid(), nullable=False),
        Column("receiver", _text(200), nullable=False),
        key,
        part,
        Column("visible_at", _big(), nullable=False),
        _zero("attempt", Integer),
        _zero("failures", Integer),
        Column("error", _long_text()),
        Index(
            "clarion_delivery_visible",
            *visible,
            sqlite_where=part.is_(None),
            postgresql_where=part.is_(None),
        ),
        Index(
            "clarion_delivery_part",
            "receiver",
            "part",
            "id",
            sqlite_where=part.is_not(None),
            postgresql_where=part.is_not(None),
        ),
        Index("clarion_delivery_event", "event"),
        sqlite_autoincrement=True,
        **_OPTIONS,
    )


def _partition(metadata: MetaData) -> Table:
    return Table(
        "clarion_partition",
        metadata,
        Column("receiver", _text(200), primary_key=True),
        Column("part", Integer, primary_key=True, autoincrement=False),
        _zero("epoch", _big()),
        _zero("leased_until", _big()),
        **_OPTIONS,
        **_BY_KEY,
    )


def _blocked(metadata: MetaData) -> Table:
    return Table(
        "clarion_blocked",
        metadata,
        Column("receiver", _text(200), primary_key=True),
        Column("key", _text(255), primary_key=True),
        Column("until", _big()),
        **_OPTIONS,
        **_BY_KEY,
    )


def _dead(metadata: MetaData) -> Table:
    return Table(
        "clarion_dead",
        metadata,
        Column("id", _big(), primary_key=True, autoincrement=False),
        Column("event", _uid(), nullable=False),
        Column("receiver", _text(200), nullable=False),
        Column("key", _text(255)),
        Column("part", Integer),
        Column("failures", Integer, nullable=False),
        Column("error", _long_text(), nullable=False),
        Column("died_at", _big(), nullable=False),
        Index("clarion_dead_event", "event"),
        **_OPTIONS,
    )


def _inbox(metadata: MetaData) -> Table:
    return Table(
        "clarion_inbox",
        metadata,
        Column("receiver", _text(200), primary_key=True),
        Column("uid", _uid(), primary_key=True),
        Column("received_at", _big(), nullable=False),
        Index("clarion_inbox_received", "received_at"),
        **_OPTIONS,
        **_BY_KEY,
    )
