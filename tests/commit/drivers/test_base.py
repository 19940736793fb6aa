"""Each kind of connection runs the same receivers and writes the same rows."""

import pytest

from clarion import on_commit
from clarion.commit import atomic
from clarion.errors import ArgumentError, TransactionError
from tests.commit.databases import (
    ASYNC,
    SYNC,
    run,
)
from tests.commit.failing import arefused, arolled_back, refused, rolled_back

pytestmark = pytest.mark.usefixtures("_plain_python")


@pytest.mark.parametrize("make", SYNC)
class TestSync:
    """Blocks under `with`."""

    def test_commit(self, make, signal, calls):
        """The receiver runs when other transactions see the row."""
        with make() as database:
            with atomic(database.connection):
                database.add(1)
                signal.send(None, n=1)
                assert calls == []
            assert calls == [1]
            assert database.rows() == [1]

    def test_rollback(self, make, signal, calls):
        """Row and call are gone, and the connection is usable."""
        with make() as database:
            with rolled_back(database.connection):
                database.add(1)
                signal.send(None, n=1)
            assert calls == []
            assert database.rows() == []
            with atomic(database.connection):
                database.add(2)
                signal.send(None, n=2)
            assert calls == [2]
            assert database.rows() == [2]

    def test_savepoints(self, make, signal, calls):
        """A rollback drops the calls of the savepoint; a released one waits."""
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
                assert calls == []
                signal.send(None, n=5)
            assert calls == [1, 4, 5]
            assert database.rows() == [1, 4]

    def test_commit_that_fails(self, make, signal, calls):
        """No receiver runs, the block raises, and the connection is usable."""
        with make() as database:
            if not database.can_fail:
                pytest.skip("it has no deferred constraints")
            with refused(Exception, "(?i)foreign key", database.connection):
                database.add(1, parent=99)
                signal.send(None, n=1)
            assert calls == []
            assert database.rows() == []
            with atomic(database.connection):
                database.add(2)
            assert database.rows() == [2]

    def test_open_transaction_is_refused(self, make, signal, calls):
        """An open transaction is refused: its commit could not be observed. Nothing is begun."""
        with make() as database:
            connection = database.connection
            if getattr(connection, "autocommit", None) is False and "sqlite" in str(connection):
                pytest.skip("a transaction is always open")
            if hasattr(connection, "begin_nested"):
                connection.begin()
            else:
                database.execute("BEGIN")
            with pytest.raises(TransactionError, match="already in a transaction"):
                atomic(connection).__enter__()
            if hasattr(connection, "begin_nested"):
                connection.rollback()
            else:
                database.execute("ROLLBACK")
            with atomic(connection):
                signal.send(None, n=1)
            assert calls == [1]

    def test_async_with_is_refused(self, make):
        """`async with` is refused, because a sync connection cannot be awaited."""
        with make() as database:

            async def main():
                async with atomic(database.connection):
                    pass

            with pytest.raises(ArgumentError, match=r"is a sync connection. Write `with atomic"):
                main().send(None)

    def test_receiver_can_use_the_connection(self, make, signal):
        """A receiver can begin another transaction on the connection."""
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
    """Blocks under `async with`."""

    def test_commit(self, make, signal, calls):
        """Async receivers are awaited after the commit."""
        calls.listen_async(signal, name="async")

        async def main(database):
            async with atomic(database.connection):
                await database.add(1)
                await signal.asend(None, n=1)
                signal.send(None, n=2)
                assert calls == []
            assert calls == [1, ("async", 1), 2, ("async", 2)]
            assert await database.rows() == [1]

        run(make, main)

    def test_rollback(self, make, signal, calls):
        """Row and call are gone, and the connection is usable."""

        async def main(database):
            async with arolled_back(database.connection):
                await database.add(1)
                await signal.asend(None, n=1)
            assert calls == []
            assert await database.rows() == []
            async with atomic(database.connection):
                await database.add(2)
                signal.send(None, n=2)
            assert calls == [2]
            assert await database.rows() == [2]

        run(make, main)

    def test_savepoints(self, make, signal, calls):
        """A rollback drops the calls of the savepoint; a released one waits."""

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
                assert calls == []
            assert calls == [1, 4]
            assert await database.rows() == [1, 4]

        run(make, main)

    def test_commit_that_fails(self, make, signal, calls):
        """No receiver runs, the block raises, and the connection is usable."""

        async def main(database):
            if not database.can_fail:
                pytest.skip("it has no deferred constraints")
            async with arefused(Exception, "(?i)foreign key", database.connection):
                await database.add(1, parent=99)
                signal.send(None, n=1)
            assert calls == []
            assert await database.rows() == []
            async with atomic(database.connection):
                await database.add(2)
            assert await database.rows() == [2]

        run(make, main)

    def test_open_transaction_is_refused(self, make):
        """An open transaction is refused because its commit could not be observed."""

        async def main(database):
            connection = database.connection
            begin = getattr(connection, "begin", None)
            await (begin() if begin else connection.execute("BEGIN"))
            with pytest.raises(TransactionError, match="already in a transaction"):
                await atomic(connection).__aenter__()
            rollback = getattr(connection, "rollback", None)
            await (rollback() if rollback else connection.execute("ROLLBACK"))
            async with atomic(connection):
                await database.add(1)
            assert await database.rows() == [1]

        run(make, main)

    def test_plain_with_is_refused(self, make):
        """A plain `with` on an async connection is refused, for a transaction and for a savepoint."""

        async def main(database):
            with pytest.raises(ArgumentError, match=r"is an async connection. Write `async with"):
                atomic(database.connection).__enter__()
            async with atomic(database.connection):
                await database.add(1)
                with pytest.raises(ArgumentError, match="is an async connection"):
                    atomic().__enter__()
            assert await database.rows() == [1]

        run(make, main)
