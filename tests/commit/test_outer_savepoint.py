"""Inside `commits()`, a receiver that breaks a constraint affects no other receiver."""

from contextlib import suppress

import pytest

from clarion import Signal, on_commit
from clarion.commit import atomic
from clarion.testing import commits
from tests.commit.databases import ASYNC, SYNC, run

pytestmark = [
    pytest.mark.usefixtures("_plain_python"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class Undo(Exception):  # noqa: N818
    """Rolls the transaction of a test back."""


def aborts(database):
    """Return whether an error aborts the transaction of a database."""
    kind = type(database.connection).__module__
    if kind.startswith("sqlalchemy"):
        return database.connection.dialect.name == "postgresql"
    return kind.startswith(("psycopg", "asyncpg"))


def select(database):
    """Return a query for the rows of the transaction."""
    return database.select.format(table=database.table)


def connected(*receivers):
    """Return a signal with these receivers after the commit."""
    paid = Signal()
    for each in receivers:
        paid.connect(each, delivery=on_commit, weak=False)
    return paid


@pytest.mark.parametrize("make", SYNC)
@pytest.mark.parametrize("is_inside", [True, False], ids=["transaction", "at-once"])
def test_receivers_after_one_that_fails(make, is_inside):
    """Later receivers have a working transaction; PostgreSQL loses writes before the error."""
    with make() as database:

        def fail(sender, **kwargs):
            database.add(10)
            database.add(1)  # it exists

        def swallow(sender, **kwargs):
            with suppress(Exception):
                database.add(1)

        def write(sender, **kwargs):
            database.add(20)

        paid = connected(fail, swallow, write)
        with suppress(Undo), atomic(database.connection):
            with commits():
                database.add(1)
                if is_inside:
                    with atomic():
                        responses = paid.send(None)
                else:
                    responses = paid.send(None)
            assert [each.status for _, each in responses] == ["failed", "ran", "ran"]
            found = [row[0] for row in database.execute(select(database))]
            assert found == ([1, 20] if aborts(database) else [1, 10, 20])
            raise Undo
        assert database.rows() == []


@pytest.mark.parametrize("make", SYNC)
def test_receiver_that_raises_otherwise_keeps_its_writes(make):
    """A receiver that raises another error keeps its writes, as in the program."""
    with make() as database:

        def fail(sender, **kwargs):
            database.add(10)
            raise ValueError

        paid = connected(fail)
        with suppress(Undo), atomic(database.connection):
            with commits(), atomic():
                paid.send(None)
            assert [row[0] for row in database.execute(select(database))] == [10]
            raise Undo
        assert database.rows() == []


@pytest.mark.parametrize("make", ASYNC)
def test_async_receivers_after_one_that_fails(make):
    """The same for async connections; a sync receiver, which cannot use one, runs too."""
    called = []

    async def main(database):
        async def fail(sender, **kwargs):
            await database.add(10)
            await database.add(1)

        async def write(sender, **kwargs):
            await database.add(20)

        def sync(sender, **kwargs):
            called.append(sender)

        paid = connected(fail, write, sync)
        with suppress(Undo):
            async with atomic(database.connection):
                with commits():
                    await database.add(1)
                    async with atomic():
                        responses = await paid.asend(None)
                statuses = {each.status for _, each in responses}
                found = [row[0] for row in await database.execute(select(database))]
                assert found == ([1, 20] if aborts(database) else [1, 10, 20])
                raise Undo
        assert await database.rows() == []
        return statuses

    assert run(make, main) == {"failed", "ran"}
    assert called == [None]


@pytest.mark.parametrize("make", SYNC)
def test_receiver_of_an_aborted_test_runs(make):
    """A receiver runs in a transaction that the test has broken, without a savepoint."""
    called = []
    paid = connected(lambda sender, **kwargs: called.append(sender))
    with make() as database:
        with suppress(Exception), atomic(database.connection), commits():
            database.add(1)
            with suppress(Exception):
                database.add(1)
            paid.send(None)
            raise Undo
        assert called == [None]
        assert database.rows() == []


def test_interrupt_ends_the_receiver():
    """An interrupt is raised, and the savepoint is rolled back."""
    make = SYNC[0].values[0]
    with make() as database:

        def interrupt(sender, **kwargs):
            database.add(10)
            raise KeyboardInterrupt

        paid = connected(interrupt)
        with suppress(Undo), atomic(database.connection):
            with commits(), pytest.raises(KeyboardInterrupt), atomic():
                paid.send(None)
            assert database.execute(select(database)) == []
            raise Undo


def test_program_without_commits_sets_no_savepoint():
    """Without `commits()`, only the transaction is begun and committed."""
    make = SYNC[0].values[0]
    with make() as database:
        statements: list[str] = []
        database.connection.set_trace_callback(statements.append)
        paid = connected(lambda sender, **kwargs: None)
        with atomic(database.connection):
            paid.send(None)
        database.connection.set_trace_callback(None)
    assert statements == ["BEGIN ", "COMMIT"]
