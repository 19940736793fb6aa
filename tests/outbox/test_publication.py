"""How a send is stored, whatever the number of its receivers."""

from contextvars import ContextVar
from typing import Any

import pytest

from clarion.envelope import carry, drop_carried
from clarion.outbox import store
from clarion.outbox.connection import DbapiConnection
from clarion.outbox.delivery_row import Target, partition_of
from clarion.outbox.keys import key_of
from clarion.outbox.statements import FEW
from tests.outbox.databases import order_paid, outbox_on


def read(connection, columns):
    """Return these columns of the deliveries, in their order."""
    key = "`key`" if connection.dialect == "mysql" else '"key"'
    cursor = connection.connection.cursor()
    cursor.execute(f"SELECT {columns.format(key=key)} FROM clarion_delivery ORDER BY id")  # noqa: S608
    return [tuple(row) for row in cursor.fetchall()]


class Mysql(DbapiConnection):
    """A connection to MariaDB that is used as one to MySQL."""

    is_mariadb = False


NUMBERS = [1, 2, FEW, FEW + 1, 3 * FEW]


@pytest.mark.parametrize("number", NUMBERS)
def test_each_receiver_has_its_row(outbox, connection, number):
    """The rows have the order of the receivers, with the key, the partition and the delay of each."""
    check_rows(outbox, connection, number)


@pytest.mark.service
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("outbox", ["mariadb"], indirect=True)
def test_each_receiver_has_its_row_on_mysql(outbox, number):
    """MySQL has no statement for the event and its deliveries, so they are two."""
    connection = outbox.opened[0]
    check_rows(outbox, Mysql(connection.connection, connection.dialect), number)


def check_rows(outbox, connection, number):
    """Publish a send to this many receivers, and compare the rows."""
    targets = [
        Target(f"r{n:02}", None if n % 2 else f"key {n}", 0 if n % 3 else 10_000 * n)
        for n in range(number)
    ]
    ((before,),) = connection.rows("now")
    envelope = outbox.publish(*targets, connection=connection)
    ((after,),) = connection.rows("now")
    found = read(connection, "receiver, {key}, part, visible_at, event")
    assert [row[:3] for row in found] == [
        (each.receiver, each.key, None if each.key is None else partition_of(each.key))
        for each in targets
    ]
    assert {row[4] for row in found} == {envelope.uid.hex}
    for target, row in zip(targets, found, strict=True):
        assert before <= row[3] - target.delay <= after


def test_values_are_never_part_of_a_statement(outbox, connection):
    """Quotes and marks in a name or a key come back as they were."""
    target = Target("it's %s :uid", "a'; DROP TABLE clarion_event; -- {rows}")
    outbox.publish(target)
    assert read(connection, "receiver, {key}") == [(target.receiver, target.key)]


def test_half_a_send_is_not_stored(outbox, connection):
    """A statement that fails is undone with the transaction, so no event is left without its rows."""
    nameless: Any = None
    with pytest.raises(Exception, match=r"(?i)null"), connection.transaction():
        store.publish(connection, outbox.envelope(), [Target("mail"), Target(nameless)])
    assert connection.rows("waiting") == []
    with connection.transaction():
        assert connection.change("prune", age=-60_000, limit=10) == 0


@pytest.mark.service
@pytest.mark.parametrize("mode", ["", "STRICT_TRANS_TABLES"])
def test_a_connection_with_fewer_characters_changes_no_text(tmp_path, mode):
    """MariaDB's utf8mb3 would store an emoji as question marks, or refuse it."""
    face = "a\N{GRINNING FACE}"
    with outbox_on("mariadb", tmp_path) as outbox:
        reader, writer = outbox.opened[0], outbox.open()
        for statement in ("SET NAMES utf8mb3", f"SET sql_mode = '{mode}'"):
            writer.connection.cursor().execute(statement)
        key = key_of("n", order_paid)
        assert key is not None
        target = Target("mail", key(order_paid, print, {"n": face}))
        actor = carry(ContextVar("outbox.actor"))
        token = actor.set(face)
        try:
            outbox.publish(target, Target("plain"), connection=writer, n=face)
        finally:
            actor.reset(token)
            drop_carried(actor)
        assert read(reader, "{key}") == [(target.key,), (None,)]
        with reader.transaction():
            [claim] = store.claim(reader, "plain", 1, 1000)
        assert claim.read_headers() == {"outbox.actor": face}
        assert claim.envelope().arguments(order_paid)["n"] == face


class WithoutBytes(DbapiConnection):
    """A connection whose driver sends text only."""

    takes_bytes = False


@pytest.mark.service
@pytest.mark.parametrize("charset", ["utf8mb4", "latin1"])
def test_a_driver_without_bytes_gets_ascii(tmp_path, charset):
    """aiomysql sends no bytes with PyMySQL 1.2, and the connection may have any character set."""
    value = {'a"\\\n': ["é\0", "Ω", "\N{GRINNING FACE}'", "\\u00e9"]}
    with outbox_on("mariadb", tmp_path) as outbox:
        reader, writer = outbox.opened[0], WithoutBytes(outbox.open().connection, "mysql")
        writer.connection.cursor().execute(f"SET NAMES {charset}")
        outbox.publish(connection=writer, n=value)
        with reader.transaction():
            [claim] = store.claim(reader, "mail", 1, 1000)
        assert claim.payload.isascii()
        assert claim.envelope().arguments(order_paid)["n"] == value


@pytest.mark.service
@pytest.mark.parametrize("outbox", ["postgresql"], indirect=True)
def test_a_sender_needs_the_right_to_insert_only(outbox, connection):
    """It cannot read what others have sent, whatever the number of receivers."""
    cursor = connection.connection.cursor()
    with pytest.raises(ZeroDivisionError), connection.transaction():  # which undoes the role, too
        schema = cursor.execute("SELECT current_schema()").fetchone()[0]
        cursor.execute("CREATE ROLE clarion_sender")
        cursor.execute(f"GRANT USAGE ON SCHEMA {schema} TO clarion_sender")
        cursor.execute("GRANT INSERT ON clarion_event, clarion_delivery TO clarion_sender")
        cursor.execute("SET LOCAL ROLE clarion_sender")
        for number in (1, FEW + 1):
            targets = [Target(f"r{n}") for n in range(number)]
            store.publish(connection, outbox.envelope(number=number), targets)
        cursor.execute("RESET ROLE")
        assert len(read(connection, "id")) == FEW + 2
        raise ZeroDivisionError
