"""Errors of a database after which a transaction is repeated."""

import sqlite3

import pytest

from clarion.worker.transient import MOST_ATTEMPTS, is_transient, retried


class DriverError(Exception):
    """As a driver of PostgreSQL raises it."""

    sqlstate = "40P01"


class Psycopg2Error(Exception):
    """As psycopg2 raises it."""

    pgcode = "40001"


class DatabaseError(Exception):
    """As pg8000 raises it."""


class WrappedError(Exception):
    """As SQLAlchemy raises it."""

    orig = DriverError()


@pytest.mark.parametrize(
    "error",
    [
        DriverError(),
        WrappedError(),
        Psycopg2Error(),
        DatabaseError({"C": "40P01", "M": "deadlock detected"}),
        Exception(1213, "Deadlock found"),
        Exception(1205, "Lock wait timeout exceeded"),
        sqlite3.OperationalError("database is locked"),
    ],
)
def test_deadlocks_and_busy_files_are_transient(error):
    """Deadlocks and busy files are transient, in the error of any driver or framework."""
    assert is_transient(error)
    outer = RuntimeError()
    outer.__cause__ = error
    assert is_transient(outer)


@pytest.mark.parametrize(
    "error", [ValueError(), Exception(1146, "no table"), sqlite3.OperationalError("disk is full")]
)
def test_others_are_not(error):
    """Other errors are not transient, because a repetition raises them again."""
    assert not is_transient(error)


def test_a_transaction_is_repeated_until_it_succeeds():
    """A transaction is repeated until it succeeds."""
    errors = [DriverError()] * 3

    def attempt():
        if errors:
            raise errors.pop()
        return "done"

    assert retried(attempt) == "done"


def test_it_is_not_repeated_for_ever():
    """After the last attempt its error is raised, and a permanent error at once."""
    attempts = []

    def attempt(error):
        attempts.append(error)
        raise error

    with pytest.raises(ValueError):  # noqa: PT011
        retried(lambda: attempt(ValueError()))
    assert len(attempts) == 1
    attempts.clear()
    with pytest.raises(DriverError), pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda seconds: None)
        retried(lambda: attempt(DriverError()))
    assert len(attempts) == MOST_ATTEMPTS
