"""Transactions on real connections: what was committed was heard of, and nothing else."""

import sqlite3
from functools import partial

import pytest

from clarion import on_commit
from clarion.commit import atomic
from clarion.errors import ArgumentError, TransactionError
from tests.commit.databases import (
    ASYNC,
    ON_POSTGRES_ASYNC,
    ON_POSTGRES_SYNC,
    SYNC,
    aiosqlite,
    run,
    sqlite,
)
from tests.commit.failing import arefused, arolled_back, refused, rolled_back

pytestmark = pytest.mark.usefixtures("_plain_python")


@pytest.mark.parametrize("make", SYNC)
class TestSync:
    """Under `with`."""

    def test_a_commit_is_heard_of(self, make, signal, heard):
        """The receiver runs once the row is there for all to see."""
        with make() as database:
            with atomic(database.connection):
                database.add(1)
                signal.send(None, n=1)
                assert heard == []
            assert heard == [1]
            assert database.rows() == [1]

    def test_a_rollback_is_not(self, make, signal, heard):
        """Neither row nor call is left, and the connection can be used again."""
        with make() as database:
            with rolled_back(database.connection):
                database.add(1)
                signal.send(None, n=1)
            assert heard == []
            assert database.rows() == []
            with atomic(database.connection):
                database.add(2)
                signal.send(None, n=2)
            assert heard == [2]
            assert database.rows() == [2]

    def test_savepoints(self, make, signal, heard):
        """One that is rolled back takes its own with it; one that is released waits."""
        with make() as database:
            connection = database.connection
            with atomic(connection):
                database.add(1)
                signal.send(None, n=1)
                with rolled_back(connection):
                    database.add(2)
                    signal.send(None, n=2)
                    with atomic(connection):
                        database.add(3)
                        signal.send(None, n=3)
                with atomic():
                    database.add(4)
                    signal.send(None, n=4)
                assert heard == []
                signal.send(None, n=5)
            assert heard == [1, 4, 5]
            assert database.rows() == [1, 4]

    def test_a_commit_that_fails(self, make, signal, heard):
        """Nothing runs, the caller hears of it, and the connection can be used again."""
        with make() as database:
            if not database.can_fail:
                pytest.skip("it checks at once")
            with refused(Exception, "(?i)foreign key", database.connection):
                database.add(1, parent=99)
                signal.send(None, n=1)
            assert heard == []
            assert database.rows() == []
            with atomic(database.connection):
                database.add(2)
            assert database.rows() == [2]

    def test_a_transaction_that_is_under_way(self, make, signal, heard):
        """It is refused, for its commit would not be seen; nothing is sent, and nothing begun."""
        with make() as database:
            connection = database.connection
            if getattr(connection, "autocommit", None) is False and "sqlite" in str(connection):
                pytest.skip("it always is in one")
            if hasattr(connection, "begin_nested"):
                connection.begin()
            else:
                database.execute("BEGIN")
            with pytest.raises(TransactionError, match="in a transaction already"):
                atomic(connection).__enter__()
            if hasattr(connection, "begin_nested"):
                connection.rollback()
            else:
                database.execute("ROLLBACK")
            with atomic(connection):
                signal.send(None, n=1)
            assert heard == [1]

    def test_async_with(self, make):
        """It is refused: nothing of it would be awaited."""
        with make() as database:

            async def main():
                async with atomic(database.connection):
                    pass

            with pytest.raises(ArgumentError, match=r"is a sync connection. Write `with atomic"):
                main().send(None)

    def test_a_receiver_may_use_the_connection(self, make, signal):
        """The transaction is over when it runs, so it may begin another."""
        with make() as database:

            def again(**kwargs):
                with atomic(database.connection):
                    database.add(2)

            signal.connect(again, delivery=on_commit)
            with atomic(database.connection):
                database.add(1)
                ((_, scheduled),) = signal.send(None)
            assert scheduled.status == "ran"
            assert database.rows() == [1, 2]


@pytest.mark.parametrize("make", ASYNC)
class TestAsync:
    """Under `async with`."""

    def test_a_commit_is_heard_of(self, make, signal, heard):
        """The receivers run once the row is there, async ones awaited."""
        heard.listen_async(signal, name="async")

        async def main(database):
            async with atomic(database.connection):
                await database.add(1)
                await signal.asend(None, n=1)
                signal.send(None, n=2)
                assert heard == []
            assert heard == [1, ("async", 1), 2, ("async", 2)]
            assert await database.rows() == [1]

        run(make, main)

    def test_a_rollback_is_not(self, make, signal, heard):
        """Neither row nor call is left, and the connection can be used again."""

        async def main(database):
            async with arolled_back(database.connection):
                await database.add(1)
                await signal.asend(None, n=1)
            assert heard == []
            assert await database.rows() == []
            async with atomic(database.connection):
                await database.add(2)
                signal.send(None, n=2)
            assert heard == [2]
            assert await database.rows() == [2]

        run(make, main)

    def test_savepoints(self, make, signal, heard):
        """One that is rolled back takes its own with it; one that is released waits."""

        async def main(database):
            connection = database.connection
            async with atomic(connection):
                await database.add(1)
                signal.send(None, n=1)
                async with arolled_back(connection):
                    await database.add(2)
                    signal.send(None, n=2)
                    async with atomic(connection):
                        await database.add(3)
                        signal.send(None, n=3)
                async with atomic():
                    await database.add(4)
                    signal.send(None, n=4)
                assert heard == []
            assert heard == [1, 4]
            assert await database.rows() == [1, 4]

        run(make, main)

    def test_a_commit_that_fails(self, make, signal, heard):
        """Nothing runs, the caller hears of it, and the connection can be used again."""

        async def main(database):
            async with arefused(Exception, "(?i)foreign key", database.connection):
                await database.add(1, parent=99)
                signal.send(None, n=1)
            assert heard == []
            assert await database.rows() == []
            async with atomic(database.connection):
                await database.add(2)
            assert await database.rows() == [2]

        run(make, main)

    def test_a_transaction_that_is_under_way(self, make):
        """It is refused, for its commit would not be seen."""

        async def main(database):
            connection = database.connection
            begin = getattr(connection, "begin", None)
            await (begin() if begin else connection.execute("BEGIN"))
            with pytest.raises(TransactionError, match="in a transaction already"):
                await atomic(connection).__aenter__()
            rollback = getattr(connection, "rollback", None)
            await (rollback() if rollback else connection.execute("ROLLBACK"))
            async with atomic(connection):
                await database.add(1)
            assert await database.rows() == [1]

        run(make, main)

    def test_plain_with(self, make):
        """It is refused, outermost and inside, for it could not be awaited."""

        async def main(database):
            with pytest.raises(ArgumentError, match=r"is an async connection. Write `async with"):
                atomic(database.connection).__enter__()
            async with atomic(database.connection):
                await database.add(1)
                with pytest.raises(ArgumentError, match="is an async connection"):
                    atomic().__enter__()
            assert await database.rows() == [1]

        run(make, main)


class TestAborted:
    """PostgreSQL answers the COMMIT of a transaction that an error has aborted with a rollback."""

    @pytest.mark.parametrize("make", ON_POSTGRES_SYNC)
    def test_sync(self, make, signal, heard):
        """The caller hears of it, and no receiver runs for what is not there."""
        with make() as database:
            with refused(TransactionError, "aborted by an error inside", database.connection):
                database.add(1)
                signal.send(None, n=1)
                with pytest.raises(Exception, match="nonsense"):
                    database.execute("nonsense")
            assert heard == []
            assert database.rows() == []

    @pytest.mark.parametrize("make", ON_POSTGRES_ASYNC)
    def test_async(self, make, signal, heard):
        """So it is with those that are awaited."""

        async def main(database):
            async with arefused(
                TransactionError, "aborted by an error inside", database.connection
            ):
                await database.add(1)
                signal.send(None, n=1)
                with pytest.raises(Exception, match="nonsense"):
                    await database.execute("nonsense")
            assert heard == []
            assert await database.rows() == []

        run(make, main)

    @pytest.mark.parametrize("make", ON_POSTGRES_SYNC)
    def test_inside_a_savepoint(self, make, signal, heard):
        """One that is rolled back makes the transaction whole again."""
        with make() as database:
            with atomic(database.connection):
                database.add(1)
                signal.send(None, n=1)
                with refused(Exception, "nonsense"):
                    signal.send(None, n=2)
                    database.execute("nonsense")
            assert heard == [1]
            assert database.rows() == [1]


class TestEndedInside:
    """A transaction that is over when its block ends."""

    @pytest.mark.parametrize("how", ["ROLLBACK", "COMMIT"])
    @pytest.mark.parametrize("make", SYNC)
    def test_by_a_statement(self, make, how, signal, heard):
        """It is refused: what was sent before may not be true."""
        with make() as database:
            if hasattr(database.connection, "begin_nested"):
                pytest.skip("SQLAlchemy does not look at statements")
            with refused(TransactionError, "ended inside it", database.connection):
                database.add(1)
                signal.send(None, n=1)
                database.execute(how)
            assert heard == []
            assert database.rows() == ([1] if how == "COMMIT" else [])

    @pytest.mark.parametrize("how", ["rollback", "commit"])
    @pytest.mark.parametrize("make", SYNC)
    def test_by_a_method(self, make, how, signal, heard):
        """Where the driver takes it, the end of the block does not."""
        with make() as database:
            connection = database.connection
            if getattr(connection, "autocommit", None) in {True, False} and "sqlite" in str(
                connection
            ):
                pytest.skip("it always is in one, or the method does nothing")
            if hasattr(connection, "transaction"):
                pytest.skip("psycopg refuses it itself")
            with refused(TransactionError, "ended inside it", connection):
                database.add(1)
                signal.send(None, n=1)
                getattr(connection, how)()
            assert heard == []
            assert database.rows() == ([1] if how == "commit" else [])

    @pytest.mark.parametrize("make", ASYNC)
    def test_by_a_statement_that_is_awaited(self, make, signal, heard):
        """So it is with those that are awaited."""

        async def main(database):
            if hasattr(database.connection, "begin_nested"):
                await_it = database.connection.rollback
            else:
                await_it = partial(database.execute, "ROLLBACK")
            async with arefused(TransactionError, "ended inside it", database.connection):
                await database.add(1)
                signal.send(None, n=1)
                await await_it()
            assert heard == []
            assert await database.rows() == []

        run(make, main)

    @pytest.mark.parametrize("make", [each for each in SYNC if "alchemy" in str(each.id)])
    def test_by_closing_the_connection(self, make, signal, heard):
        """SQLAlchemy rolls back then, without a word."""
        with make() as database:
            other = database.connection.engine.connect()
            with refused(Exception, "closed", other):
                signal.send(None, n=1)
                other.close()
            assert heard == []

    def test_by_sqlite_itself(self, signal, heard):
        """INSERT OR ROLLBACK ends all of it, savepoints included."""
        with sqlite() as database:
            with refused(TransactionError, "savepoint in it could not", database.connection):
                database.add(1)
                signal.send(None, n=1)
                with pytest.raises(sqlite3.IntegrityError), atomic():
                    database.execute("INSERT OR ROLLBACK INTO t (id) VALUES (1)")
            assert heard == []
            assert database.rows() == []

    def test_an_async_one(self, signal, heard):
        """So it is with those that are awaited."""

        async def main(database):
            async with arefused(TransactionError, "savepoint in it could not", database.connection):
                await database.add(1)
                signal.send(None, n=1)
                with pytest.raises(sqlite3.IntegrityError):
                    async with atomic():
                        await database.execute("INSERT OR ROLLBACK INTO t (id) VALUES (1)")
            assert heard == []
            assert await database.rows() == []

        run(aiosqlite, main)


def statements(connection, work):
    """Return what is executed on a connection of sqlite3's meanwhile."""
    found: list[str] = []
    connection.set_trace_callback(found.append)
    work()
    connection.set_trace_callback(None)
    return found


@pytest.mark.parametrize(
    ("level", "begin"), [("", "BEGIN"), (None, "BEGIN"), ("EXCLUSIVE", "BEGIN EXCLUSIVE")]
)
def test_transactions_begin_as_the_connection_says(level, begin):
    """An isolation level of sqlite3's is how a transaction begins, here too."""
    with sqlite(isolation_level=level) as database:

        def work():
            with atomic(database.connection):
                pass

        first, *_ = statements(database.connection, work)
        assert first.strip() == begin


def test_savepoints_are_released_once_rolled_back():
    """Else thousands of them would pile up in one transaction."""
    with sqlite() as database:

        def work():
            with atomic(database.connection), rolled_back():
                pass

        found = statements(database.connection, work)
        assert found[2:4] == ["ROLLBACK TO SAVEPOINT clarion_1", "RELEASE SAVEPOINT clarion_1"]


@pytest.mark.parametrize("what", ["no connection", 3, object()])
def test_what_is_no_connection_is_refused(what):
    """In one sentence, with the cure."""
    with pytest.raises(ArgumentError, match=r"no connection. Give one of a DB-API") as caught:
        atomic(what).__enter__()
    assert caught.value.names == ("connection",)


class AutocommitOnly:
    """A connection of a DB-API driver that commits each statement, and knows no begin()."""

    autocommit = True

    def commit(self):
        """Commit."""

    def rollback(self):
        """Roll back."""


def test_a_connection_that_commits_each_statement_is_refused():
    """There would be no transaction to wait for."""
    with pytest.raises(TransactionError, match=r"commits each statement. Turn autocommit off"):
        atomic(AutocommitOnly()).__enter__()


def test_a_rollback_that_fails_hides_nothing(signal, heard):
    """What made it necessary is what the caller hears of."""

    class Broken(AutocommitOnly):
        autocommit = False

        def rollback(self):
            raise OSError("gone")

    with rolled_back(Broken()):
        signal.send(None, n=1)
    assert heard == []
