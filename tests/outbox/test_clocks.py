"""The clocks of the databases: the time of UTC, whatever the time zone of a session is."""

import secrets
import time
from contextlib import contextmanager

import pytest

from clarion.outbox import store
from clarion.outbox.delivery_row import Target

HOUR = 3600
ENDS = 1_792_890_000  # 01:00 UTC on 25 October 2026, when summer time ends in Europe


def run(connection, statement):
    """Execute a statement that is none of the outbox, and return the id that MariaDB has generated."""
    cursor = connection.connection.cursor()
    cursor.execute(statement)
    generated = getattr(cursor, "lastrowid", None)
    cursor.close()
    return generated


def now(connection):
    """Return the clock of the outbox."""
    ((found,),) = connection.rows("now")
    return found


@contextmanager
def summer_time(connection):
    """Yield the name of a zone of MariaDB's with a summer time that ends, made for the test."""
    name = f"clarion_{secrets.token_hex(6)}"
    zone = run(connection, "INSERT INTO mysql.time_zone (Use_leap_seconds) VALUES ('N')")
    values = {
        "name (Name, Time_zone_id)": f"('{name}', {zone})",
        "transition (Time_zone_id, Transition_time, Transition_type_id)": (
            f"({zone}, {ENDS - 180 * 24 * HOUR}, 1), ({zone}, {ENDS}, 0)"
        ),
        "transition_type (Time_zone_id, Transition_type_id, `Offset`, Is_DST, Abbreviation)": (
            f"({zone}, 0, {HOUR}, 0, 'CET'), ({zone}, 1, {2 * HOUR}, 1, 'CEST')"
        ),
    }
    try:
        for table, rows in values.items():
            run(connection, f"INSERT INTO mysql.time_zone_{table} VALUES {rows}")  # noqa: S608
        yield name
    finally:
        for table in ("_name", "_transition", "_transition_type", ""):
            run(connection, f"DELETE FROM mysql.time_zone{table} WHERE Time_zone_id = {zone}")  # noqa: S608


@pytest.mark.parametrize("seconds", [-90 * 60, -30 * 60, -1, 0, 30 * 60, 90 * 60])
def test_the_hour_that_comes_twice_is_two_hours(outbox, connection, seconds):
    """The clock of MariaDB neither jumps nor goes back when summer time ends."""
    if connection.dialect != "mysql":
        pytest.skip("the statement of another database names no local time")
    with summer_time(connection) as zone:
        run(connection, f"SET time_zone = '{zone}'")
        run(connection, f"SET timestamp = {ENDS + seconds}")
        assert now(connection) == (ENDS + seconds) * 1000
        outbox.publish(Target("mail", delay=5000))
        other = outbox.open()  # in the time zone of the server
        run(other, f"SET timestamp = {ENDS + seconds + 4}")
        assert store.due_receivers(other, ["mail"]) == []
        run(other, f"SET timestamp = {ENDS + seconds + 6}")
        assert store.due_receivers(other, ["mail"]) == ["mail"]


ZONES = {
    "sqlite": "PRAGMA user_version = 0",  # it has no time zone
    "postgresql": "SET TIME ZONE '+05:30'",
    "mysql": "SET time_zone = '+05:30'",
}


def test_the_zone_of_a_session_changes_nothing(outbox, connection):
    """A sender and a worker may have different time zones."""
    before = now(connection)
    run(connection, ZONES[connection.dialect])
    after = now(connection)
    assert before <= after < before + HOUR * 1000
    assert abs(after - time.time() * 1000) < HOUR * 1000
    outbox.publish(Target("mail"))
    assert store.due_receivers(outbox.open(), ["mail"]) == ["mail"]
