"""atomic() in plain Python: blocks, savepoints, and which block is inside which."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from clarion import on_commit
from clarion.commit import atomic
from clarion.commit.atomic_block import AtomicBlock, _ignored
from clarion.commit.boundary import active_boundaries
from clarion.errors import ArgumentError, BoundaryError
from clarion.introspect import explain
from tests.commit.blocks import innermost
from tests.commit.databases import sqlite
from tests.commit.failing import BoomError, refused, rolled_back

pytestmark = pytest.mark.usefixtures("_plain_python")


class TestOneBlock:
    """One block, without a connection."""

    def test_receivers_run_when_it_ends(self, signal, calls):
        """Receivers run after the block, in the order of the sends."""
        with atomic():
            signal.send(None, n=1)
            signal.send(None, n=2)
            assert calls == []
        assert calls == [1, 2]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
    def test_any_exception_rolls_back(self, error, signal, calls):
        """Exceptions that are not errors roll back, too."""
        with refused(error, "no"):
            signal.send(None, n=1)
            raise error("no")
        assert calls == []

    def test_receivers_without_delivery_are_not_delayed(self, signal, calls):
        """The send calls receivers without a delivery inside the block."""
        calls.listen(signal, delivery=None, name="now")
        with atomic():
            signal.send(None, n=1)
            assert calls == [("now", 1)]
        assert calls == [("now", 1), 1]

    def test_leaving_by_return_and_break_commits(self, signal, calls):
        """`return` and `break` commit: only an exception rolls back."""

        def work():
            with atomic():
                signal.send(None, n=1)
                return

        work()
        for _ in range(2):
            with atomic():
                signal.send(None, n=2)
                break
        assert calls == [1, 2]

    def test_receivers_run_outside_the_block(self, signal):
        """The receivers' own sends are outside the block, and run receivers at once."""
        inside = []
        signal.connect(
            lambda **kwargs: inside.append(list(active_boundaries())), delivery=on_commit
        )
        with atomic():
            signal.send(None)
        assert inside == [[]]

    def test_block_cannot_be_entered_inside_itself(self, signal, calls):
        """A block cannot be entered inside itself, and can be entered again after its end."""
        block = atomic()
        with block:
            with pytest.raises(ArgumentError, match=r"already entered. Call atomic"), block:
                pass
            signal.send(None, n=1)
        with block:
            signal.send(None, n=2)
        assert calls == [1, 2]

    def test_a_block_that_could_not_begin_can_be_entered_again(self, tmp_path, signal, calls):
        """It can be entered again while the program keeps the exception, as a loop of retries does."""
        path = tmp_path / "shop.db"
        with closing(sqlite3.connect(path)) as other, closing(locking(path)) as connection:
            other.execute("BEGIN EXCLUSIVE")
            block = atomic(connection)
            with pytest.raises(sqlite3.OperationalError, match="locked") as kept, block:
                pass
            other.rollback()
            with block:
                signal.send(None, n=1)
            assert calls == [1]
            assert "locked" in str(kept.value)

    def test_an_async_block_that_could_not_begin(self, tmp_path, signal, calls):
        """It can be entered again, too."""
        aiosqlite, path = pytest.importorskip("aiosqlite"), tmp_path / "shop.db"

        async def retry():
            async with aiosqlite.connect(
                path, isolation_level="EXCLUSIVE", timeout=0
            ) as connection:
                block = atomic(connection)
                with pytest.raises(sqlite3.OperationalError, match="locked") as kept:
                    async with block:
                        pass
                other.rollback()
                async with block:
                    await signal.asend(None, n=1)
                assert "locked" in str(kept.value)

        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN EXCLUSIVE")
            asyncio.run(retry())
        assert calls == [1]


def locking(path):
    """Return a connection whose transactions lock the database, and wait for no other."""
    return sqlite3.connect(path, isolation_level="EXCLUSIVE", timeout=0)


class TestSavepoints:
    """Blocks inside blocks."""

    def test_savepoints_wait_for_the_outermost_block(self, signal, calls):
        """Calls of savepoints at any depth wait for the outermost block."""
        with atomic():
            with atomic():
                with atomic():
                    signal.send(None, n=1)
                assert calls == []
            assert calls == []
            signal.send(None, n=2)
        assert calls == [1, 2]

    @pytest.mark.parametrize("how", ["send", "delivery"])
    def test_alias_of_a_block_includes_its_savepoints(self, how, signal, calls):
        """A call for the alias is dropped with the savepoint that is open."""
        if how == "delivery":
            signal.disconnect(next(iter(signal._table.registrations())).live())
            calls.listen(signal, delivery=on_commit(using="orders"))
        with sqlite() as database, atomic(database.connection, using="orders"):
            with rolled_back(database.connection):
                signal.send(None, n=1, using="orders")
            with atomic():
                signal.send(None, n=2, using="orders")
            assert calls == []
            signal.send(None, n=3, using="orders")
        assert calls == [2, 3]

    def test_block_of_an_alias_is_a_savepoint_of_the_innermost(self, signal, calls):
        """The innermost savepoint counts, even if it was opened without the alias."""
        with atomic(using="orders"):
            with rolled_back(), atomic(using="orders"):
                signal.send(None, n=1)
            with atomic(), atomic(using="orders"):
                signal.send(None, n=2)
        assert calls == [2]


class TestSeveral:
    """Several transactions at once."""

    def test_receivers_wait_for_the_innermost(self, signal, calls):
        """Blocks on two connections are two transactions; receivers wait for the inner one."""
        with sqlite() as one, sqlite() as two, atomic(one.connection):
            with atomic(two.connection):
                signal.send(None, n=2)
            assert calls == [2]
            signal.send(None, n=1)
            assert calls == [2]
        assert calls == [2, 1]

    def test_inner_rollback_leaves_the_outer_alone(self, signal, calls):
        """After an inner rollback the calls of the outer transaction run."""
        with sqlite() as one, sqlite() as two, atomic(one.connection):
            one.add(1)
            signal.send(None, n=1)
            with rolled_back(two.connection):
                two.add(2)
                signal.send(None, n=2)
        assert calls == [1]
        assert (one is two) is False

    def test_send_names_a_block(self, signal, calls):
        """`using=` of a send names an outer block."""
        with atomic(using="orders"):
            with atomic(using="stock"):
                signal.send(None, n=1, using="orders")
                signal.send(None, n=2, using="stock")
                signal.send(None, n=3)
                assert calls == []
            assert calls == [2, 3]
        assert calls == [2, 3, 1]

    def test_blocks_of_two_aliases_are_two_transactions(self, signal, calls):
        """An inner block of another alias is a transaction, not a savepoint."""
        with rolled_back(using="orders"):
            with atomic(using="stock"):
                signal.send(None, n=1)
            assert calls == [1]

    def test_receiver_names_a_block(self, signal, calls):
        """on_commit(using=...) has priority over the send."""
        calls.listen(signal, name="orders", delivery=on_commit(using="orders"))
        with atomic(using="orders"):
            with atomic(using="stock"):
                signal.send(None, n=1, using="stock")
            assert calls == [1]
        assert calls == [1, ("orders", 1)]

    def test_unknown_alias_of_a_receiver(self, signal):
        """A send to a receiver with an unknown alias is refused, and explain shows why."""
        signal.connect(lambda **kwargs: None, delivery=on_commit(using="orders"))
        with atomic(), pytest.raises(BoundaryError, match="No transaction has the alias 'orders'"):
            signal.send(None)
        ((_, error),) = signal.send_robust(None)
        assert isinstance(error, BoundaryError)
        assert "the send would raise: No transaction has the alias" in str(explain(signal))

    def test_block_on_the_outer_connection(self, signal, calls):
        """A block on the connection of an outer one is a savepoint of its transaction."""
        with sqlite() as one, sqlite() as two, atomic(one.connection):
            with atomic(two.connection):
                with rolled_back(one.connection):
                    one.add(1)
                    signal.send(None, n=1)
                signal.send(None, n=2)
            assert calls == [2]
        assert calls == [2]


class TestIgnored:
    """Blocks around a test, which count as absent."""

    def test_end_of_the_inner_block_is_the_commit(self, signal, calls):
        """The end of a block inside an ignored block is its commit."""
        with atomic():
            around = innermost()
            token = _ignored.set(frozenset({around}))
            try:
                signal.send(None, n=1)
                assert calls == [1]
                with atomic():
                    signal.send(None, n=2)
                    with rolled_back():
                        signal.send(None, n=3)
                    assert calls == [1]
                assert calls == [1, 2]
            finally:
                _ignored.reset(token)

    def test_inner_block_decides_whether_it_can_await(self):
        """The inner block decides whether a send can await, not the ignored outer one."""
        outer = AtomicBlock(None, None, is_awaited=False)
        inner = AtomicBlock(None, outer, is_awaited=True)
        assert not inner.can_await()
        token = _ignored.set(frozenset({outer}))
        try:
            assert inner.can_await()
        finally:
            _ignored.reset(token)


class TestDuringTheCommit:
    """Sends while the driver commits."""

    def test_send_during_the_commit_waits_for_it(self, signal, calls):
        """A send during the commit waits for it, and is dropped if the commit fails."""

        class Connection:
            """A connection that sends when it commits."""

            def __init__(self, error):
                self.error = error

            def commit(self):
                signal.send(None, n=1)
                assert calls == []
                if self.error:
                    raise self.error

            def rollback(self):
                pass

        with atomic(Connection(None)):
            pass
        assert calls.taken() == [1]
        with pytest.raises(BoomError), atomic(Connection(BoomError("no"))):
            pass
        assert calls == []
        assert list(active_boundaries()) == []


def test_explain_shows_the_block(signal, calls):
    """`explain` names the innermost block, or that of the alias, and the reason."""
    assert "at once, because no transaction is open" in str(explain(signal))
    with sqlite() as database, atomic(database.connection, using="orders"):
        when = "after the commit of an atomic() block on a connection of sqlite3"
        assert f"{when}: it is the innermost in this context" in str(explain(signal))
        assert f"{when}: it was sent using='orders'" in str(explain(signal, using="orders"))
