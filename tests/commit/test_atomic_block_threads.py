"""atomic() in threads, in tasks, and in contexts that end elsewhere."""

import asyncio
import contextvars
import gc
import sqlite3
import threading
import weakref

import pytest

from clarion.commit import Scheduled, atomic
from clarion.commit.atomic_block import AtomicBlock
from clarion.commit.boundary import active_boundaries
from tests.commit.failing import BoomError, arolled_back

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


class TestThreads:
    """A block belongs to the context that has entered it."""

    def test_another_thread_is_outside(self, signal, heard):
        """What it sends is true at once."""
        with atomic():
            thread = threading.Thread(target=contextvars.Context().run, args=(self.send, signal))
            thread.start()
            thread.join()
            assert heard == [1]

    def send(self, signal):
        """Send in a thread."""
        signal.send(None, n=1)

    def test_a_thread_of_the_task_is_inside(self, signal, heard):
        """asyncio.to_thread takes the context along."""

        async def main():
            async with atomic():
                await asyncio.to_thread(signal.send, None, n=1)
                assert heard == []
            assert heard == [1]

        asyncio.run(main())

    def test_two_threads_have_their_own(self, signal, heard):
        """Each hears at the end of its own block."""
        inside, go = threading.Barrier(2), threading.Barrier(2)

        def work(n):
            with atomic():
                signal.send(None, n=n)
                inside.wait()
                assert heard == []
                go.wait()

        threads = [threading.Thread(target=work, args=(n,)) for n in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(heard) == [1, 2]

    def test_a_block_that_ends_while_it_is_asked(self, signal, heard):
        """What comes too late for it counts as the block did: true, or dropped."""
        for error, wanted in ((None, [1]), (BoomError("no"), [])):
            block = AtomicBlock(None, None, is_awaited=False)
            # As if it had been open until the moment before.
            with atomic():
                signal.send(None, n=1)
                kept = innermost().calls.pop()
            block.end(commit=error is None)
            block.add_call(kept)
            assert heard.taken() == wanted


class TestTasks:
    """Tasks have a copy of the context in which they were started."""

    def test_gather_inside_a_block(self, signal, heard):
        """What its tasks send waits for the block, whoever is first."""

        async def work(n):
            async with atomic():
                await signal.asend(None, n=n)
                await asyncio.sleep(0)
                if n == 2:
                    raise BoomError

        async def main():
            async with atomic():
                await asyncio.gather(*(work(n) for n in (1, 2, 3)), return_exceptions=True)
                assert heard == []
            assert sorted(heard) == [1, 3]

        asyncio.run(main())

    def test_a_task_that_outlives_the_block(self, signal, heard):
        """It is outside from then on: what it sends is true at once."""

        async def work(over):
            await over.wait()
            signal.send(None, n=1)
            assert heard == [1]
            async with atomic():
                signal.send(None, n=2)
                assert heard == [1]
            assert heard == [1, 2]

        async def main():
            over = asyncio.Event()
            async with atomic():
                task = asyncio.create_task(work(over))
                await asyncio.sleep(0)
            over.set()
            await task

        asyncio.run(main())

    @pytest.mark.parametrize("fails", [False, True])
    def test_a_savepoint_that_outlives_its_block(self, fails, signal, heard):
        """It counts as the block around it did, and is not lost in it."""

        async def work(over):
            async with atomic():
                signal.send(None, n=1)
                await over.wait()

        async def main():
            over = asyncio.Event()
            async with arolled_back() if fails else atomic():
                task = asyncio.create_task(work(over))
                await asyncio.sleep(0)
            assert heard == []
            over.set()
            await task

        asyncio.run(main())
        assert heard == ([] if fails else [1])

    def test_the_connection_is_let_go(self, signal, heard):
        """Neither a task that goes on nor a response keeps what the block was on."""

        class Connection(sqlite3.Connection):
            """One that can be weakly referenced."""

        async def main():
            connection = sqlite3.connect(":memory:", factory=Connection)
            with atomic(connection):
                task = asyncio.create_task(asyncio.sleep(60))
                responses = signal.send(None, n=1)
            connection.close()
            there = weakref.ref(connection)
            del connection
            gc.collect()
            assert there() is None
            assert responses[0][1].boundary == "an atomic() block on a connection of tests"
            task.cancel()

        asyncio.run(main())


class TestContexts:
    """Generators and fixtures that begin in one context and end in another."""

    def test_a_fixture_that_ends_elsewhere(self, signal, heard):
        """The block ends well, and nobody is inside it any more."""
        one, other = contextvars.Context(), contextvars.Context()
        block = atomic()
        one.run(block.__enter__)
        one.run(signal.send, None, n=1)
        other.run(block.__exit__, None, None, None)
        assert heard == [1]
        one.run(signal.send, None, n=2)
        assert heard == [1, 2]

    def test_those_that_end_elsewhere_do_not_pile_up(self):
        """The context that began them keeps at most the last."""
        one = contextvars.copy_context()
        kept = []
        for _ in range(3):
            block = atomic()
            one.run(block.__enter__)
            kept.append(weakref.ref(one.run(lambda: next(active_boundaries()))))
            contextvars.Context().run(block.__exit__, None, None, None)
            del block
        gc.collect()
        assert [there() is not None for there in kept] == [False, False, True]

    def test_a_generator(self, signal, heard):
        """One that is suspended inside a block shares it with whoever runs it."""

        def work():
            with atomic():
                yield
                signal.send(None, n=1)

        steps = work()
        next(steps)
        signal.send(None, n=2)
        assert heard == []
        with pytest.raises(StopIteration):
            next(steps)
        assert heard == [2, 1]

    def test_a_generator_that_is_closed(self, signal, heard):
        """It rolls back, for GeneratorExit leaves the block."""

        def work():
            with atomic():
                signal.send(None, n=1)
                yield

        steps = work()
        next(steps)
        steps.close()
        signal.send(None, n=2)
        assert heard == [2]

    def test_blocks_that_end_in_the_wrong_order(self, signal, heard):
        """The inner one counts as the outer one did."""
        outer, inner = atomic(), atomic()
        outer.__enter__()
        inner.__enter__()
        signal.send(None, n=1)
        outer.__exit__(None, None, None)
        assert heard == []
        inner.__exit__(None, None, None)
        assert heard == [1]
        signal.send(None, n=2)
        assert heard == [1, 2]
