"""Deeply nested savepoints: the work is linear in their number."""

import sqlite3
import sys
from contextlib import ExitStack, contextmanager

import pytest

from clarion import Signal, on_commit
from clarion.commit import atomic

FEW, MANY = 200, 1_600


def work(depth, savepoint, signal):
    """Return the number of the interpreter's calls for nested savepoints with a send in each, and the list of those made."""
    ran, calls = [], 0

    def take(**kwargs):
        ran.append(1)

    def count(*given):
        nonlocal calls
        calls += 1

    signal.connect(take, delivery=on_commit)
    sys.setprofile(count)
    try:
        with ExitStack() as stack:
            for _ in range(depth):
                stack.enter_context(savepoint())
                signal.send(None)
    finally:
        sys.setprofile(None)
    signal.disconnect(take)
    return calls, ran


@contextmanager
def plain():
    """Yield a function that begins a block without a connection."""
    yield atomic


@contextmanager
def on_a_connection():
    """Yield a function that begins a block on SQLite."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield lambda: atomic(connection)
    connection.close()


@contextmanager
def in_a_session():
    """Yield a function that begins a savepoint of a SQLAlchemy session on SQLite."""
    sqlalchemy = pytest.importorskip("sqlalchemy")
    orm = pytest.importorskip("sqlalchemy.orm")
    from clarion.integrations.sqlalchemy import bound

    def begin():
        savepoint = session.begin_nested()
        session.connection()  # SQLAlchemy sets it at the first statement
        return savepoint

    engine = sqlalchemy.create_engine("sqlite://")
    with orm.Session(engine) as session, bound(session):
        session.connection()
        yield begin
        session.commit()
    engine.dispose()


@pytest.mark.usefixtures("_plain_python")
@pytest.mark.parametrize("kind", [plain, on_a_connection, in_a_session])
def test_work_is_linear(kind):
    """Eight times as many savepoints take about eight times as many calls."""
    counts = []
    for depth in (FEW, MANY):
        with kind() as savepoint:
            calls, ran = work(depth, savepoint, Signal())
        assert len(ran) == depth
        counts.append(calls)
    few, many = counts
    assert many < 8.5 * few
