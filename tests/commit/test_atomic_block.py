"""atomic() in plain Python: blocks, savepoints, and which block is inside which."""

import pytest

from clarion import on_commit
from clarion.commit import Scheduled, atomic
from clarion.commit.atomic_block import AtomicBlock, _ignored
from clarion.commit.boundary import active_boundaries
from clarion.errors import ArgumentError, BoundaryError
from clarion.introspect import explain
from tests.commit.databases import sqlite
from tests.commit.failing import BoomError, refused, rolled_back

pytestmark = pytest.mark.usefixtures("_plain_python")


def status(responses):
    """Return how far the only receiver of a send is."""
    ((_, scheduled),) = responses
    assert isinstance(scheduled, Scheduled)
    return scheduled.status


def innermost():
    """Return the innermost block."""
    block = next(active_boundaries()).boundary
    assert isinstance(block, AtomicBlock)
    return block


class TestOneBlock:
    """A block without a connection begins nothing but the boundary."""

    def test_receivers_run_when_it_ends(self, signal, heard):
        """In the order of the sends."""
        with atomic():
            signal.send(None, n=1)
            signal.send(None, n=2)
            assert heard == []
        assert heard == [1, 2]

    def test_receivers_are_dropped_when_it_fails(self, signal, heard):
        """The exception goes on as it is."""
        with rolled_back():
            responses = signal.send(None, n=1)
        assert heard == []
        assert status(responses) == "dropped"

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
    def test_any_exception_is_a_failure(self, error, signal, heard):
        """Those that are no errors, too."""
        with refused(error, "no"):
            signal.send(None, n=1)
            raise error("no")
        assert heard == []

    def test_outside_they_run_at_once(self, signal, heard):
        """Before and after a block as without any."""
        signal.send(None, n=1)
        with atomic():
            pass
        signal.send(None, n=2)
        assert heard == [1, 2]

    def test_now_is_inside(self, signal, heard):
        """Receivers without a delivery are called by the send."""
        heard.listen(signal, delivery=None, name="now")
        with atomic():
            signal.send(None, n=1)
            assert heard == [("now", 1)]
        assert heard == [("now", 1), 1]

    def test_several_receivers_of_several_sends(self, signal, heard):
        """Send by send, each in the order of a send."""
        heard.listen(signal, name="first", priority=1)
        with atomic():
            signal.send(None, n=1)
            signal.send(None, n=2)
        assert heard == [("first", 1), 1, ("first", 2), 2]

    def test_leaving_by_return_and_break_commits(self, signal, heard):
        """As any block that no exception leaves."""

        def work():
            with atomic():
                signal.send(None, n=1)
                return

        work()
        for _ in range(2):
            with atomic():
                signal.send(None, n=2)
                break
        assert heard == [1, 2]

    def test_it_is_over_when_receivers_run(self, signal):
        """What they send outside of any block is true at once."""
        inside = []
        signal.connect(
            lambda **kwargs: inside.append(list(active_boundaries())), delivery=on_commit
        )
        with atomic():
            signal.send(None)
        assert inside == [[]]

    def test_an_object_is_for_one_block_at_a_time(self, signal, heard):
        """Entered anew inside itself it is refused; afterwards it may be used again."""
        block = atomic()
        with block:
            with pytest.raises(ArgumentError, match=r"already entered. Write atomic"), block:
                pass
            signal.send(None, n=1)
        with block:
            signal.send(None, n=2)
        assert heard == [1, 2]


class TestSavepoints:
    """A block inside a block."""

    def test_inner_ones_wait_for_the_outermost(self, signal, heard):
        """However deep."""
        with atomic():
            with atomic():
                with atomic():
                    signal.send(None, n=1)
                assert heard == []
            assert heard == []
            signal.send(None, n=2)
        assert heard == [1, 2]

    def test_what_is_rolled_back_takes_along_what_is_inside(self, signal, heard):
        """Also what was released before."""
        with atomic():
            signal.send(None, n=1)
            with rolled_back(), atomic():
                signal.send(None, n=2)
            signal.send(None, n=3)
        assert heard == [1, 3]

    def test_the_outermost_rolls_back_all(self, signal, heard):
        """A savepoint that was released is no commit."""
        with rolled_back(), atomic():
            signal.send(None, n=1)
        assert heard == []

    def test_order_is_that_of_sends(self, signal, heard):
        """What was sent before a savepoint, in it and after it."""
        with atomic():
            signal.send(None, n=1)
            with atomic():
                signal.send(None, n=2)
            signal.send(None, n=3)
        assert heard == [1, 2, 3]

    @pytest.mark.parametrize("how", ["send", "delivery"])
    def test_an_alias_means_the_savepoint_too(self, how, signal, heard):
        """What is sent by the alias of the block is dropped with the savepoint that it is in."""
        if how == "delivery":
            signal.disconnect(next(iter(signal._table.registrations())).live())
            heard.listen(signal, delivery=on_commit(using="orders"))
        with sqlite() as database, atomic(database.connection, using="orders"):
            with rolled_back(database.connection):
                signal.send(None, n=1, using="orders")
            with atomic():
                signal.send(None, n=2, using="orders")
            assert heard == []
            signal.send(None, n=3, using="orders")
        assert heard == [2, 3]

    def test_a_block_of_an_alias_is_inside_what_is_open_there(self, signal, heard):
        """Also if the savepoint around it was not begun by that alias."""
        with atomic(using="orders"):
            with rolled_back(), atomic(using="orders"):
                signal.send(None, n=1)
            with atomic(), atomic(using="orders"):
                signal.send(None, n=2)
        assert heard == [2]


class TestSeveral:
    """Several transactions at once."""

    def test_the_innermost_is_waited_for(self, signal, heard):
        """Two connections are two transactions, each with its own end."""
        with sqlite() as one, sqlite() as two, atomic(one.connection):
            with atomic(two.connection):
                signal.send(None, n=2)
            assert heard == [2]
            signal.send(None, n=1)
            assert heard == [2]
        assert heard == [2, 1]

    def test_one_may_fail_and_the_other_not(self, signal, heard):
        """The outer is not touched by the inner one's rollback."""
        with sqlite() as one, sqlite() as two, atomic(one.connection):
            one.add(1)
            signal.send(None, n=1)
            with rolled_back(two.connection):
                two.add(2)
                signal.send(None, n=2)
        assert heard == [1]
        assert (one is two) is False

    def test_a_send_says_which(self, signal, heard):
        """using= names a block, be it not the innermost."""
        with atomic(using="orders"):
            with atomic(using="stock"):
                signal.send(None, n=1, using="orders")
                signal.send(None, n=2, using="stock")
                signal.send(None, n=3)
                assert heard == []
            assert heard == [2, 3]
        assert heard == [2, 3, 1]

    def test_blocks_of_two_aliases_are_two_transactions(self, signal, heard):
        """The inner one is no savepoint of the outer."""
        with rolled_back(using="orders"):
            with atomic(using="stock"):
                signal.send(None, n=1)
            assert heard == [1]

    def test_a_receiver_says_which(self, signal, heard):
        """on_commit(using=...) waits for that one, whatever the send says."""
        heard.listen(signal, name="orders", delivery=on_commit(using="orders"))
        with atomic(using="orders"):
            with atomic(using="stock"):
                signal.send(None, n=1, using="stock")
            assert heard == [1]
        assert heard == [1, ("orders", 1)]

    def test_an_alias_that_nobody_knows(self, signal):
        """It is refused at the send, and explain says so."""
        signal.connect(lambda **kwargs: None, delivery=on_commit(using="orders"))
        with atomic(), pytest.raises(BoundaryError, match="No transaction has the alias 'orders'"):
            signal.send(None)
        ((_, error),) = signal.send_robust(None)
        assert isinstance(error, BoundaryError)
        assert "the send would raise: No transaction has the alias" in str(explain(signal))

    def test_a_third_of_the_first(self, signal, heard):
        """A block on the outer connection is a savepoint of the outer transaction."""
        with sqlite() as one, sqlite() as two, atomic(one.connection):
            with atomic(two.connection):
                with rolled_back(one.connection):
                    one.add(1)
                    signal.send(None, n=1)
                signal.send(None, n=2)
            assert heard == [2]
        assert heard == [2]


class TestAbsent:
    """Blocks around a test, which count as absent."""

    def test_the_end_of_the_inner_block_is_the_commit(self, signal, heard):
        """And what is sent outside of it is true at once."""
        with atomic():
            around = innermost()
            token = _ignored.set(frozenset({around}))
            try:
                signal.send(None, n=1)
                assert heard == [1]
                with atomic():
                    signal.send(None, n=2)
                    with rolled_back():
                        signal.send(None, n=3)
                    assert heard == [1]
                assert heard == [1, 2]
            finally:
                _ignored.reset(token)

    def test_can_await_is_asked_of_the_inner_block(self):
        """Whoever awaits the end of the test's block does not matter."""
        outer = AtomicBlock(None, None, is_awaited=False)
        inner = AtomicBlock(None, outer, is_awaited=True)
        assert not inner.can_await()
        token = _ignored.set(frozenset({outer}))
        try:
            assert inner.can_await()
        finally:
            _ignored.reset(token)


class TestAmidTheCommit:
    """What a driver's hooks send while the commit is made."""

    def test_it_waits_for_it(self, signal, heard):
        """And is dropped if it fails."""

        class Connection:
            """One that sends when it commits."""

            def __init__(self, error):
                self.error = error

            def commit(self):
                signal.send(None, n=1)
                assert heard == []
                if self.error:
                    raise self.error

            def rollback(self):
                pass

        with atomic(Connection(None)):
            pass
        assert heard.taken() == [1]
        with pytest.raises(BoomError), atomic(Connection(BoomError("no"))):
            pass
        assert heard == []
        assert list(active_boundaries()) == []


def test_explain_shows_the_block(signal, heard):
    """And that it is the innermost, or named."""
    assert "at once, because no transaction is open" in str(explain(signal))
    with sqlite() as database, atomic(database.connection, using="orders"):
        told = "after the commit of an atomic() block on a connection of sqlite3"
        assert f"{told}: it is the innermost in this context" in str(explain(signal))
        assert f"{told}: it was sent using='orders'" in str(explain(signal, using="orders"))
