"""atomic() in threads, in tasks, and in contexts that end elsewhere."""

import asyncio
import contextvars
import gc
import sqlite3
import threading
import weakref

import pytest

from clarion.commit import atomic
from clarion.commit.atomic_block import AtomicBlock
from clarion.commit.boundary import active_boundaries
from tests.commit.blocks import innermost
from tests.commit.failing import BoomError, arolled_back

pytestmark = pytest.mark.usefixtures("_plain_python")


class TestThreads:
    """A block belongs to the context that enters it."""

    def test_another_thread_is_outside(self, signal, calls):
        """Another thread is outside the block: its sends run receivers at once."""
        with atomic():
            thread = threading.Thread(target=contextvars.Context().run, args=(self.send, signal))
            thread.start()
            thread.join()
            assert calls == [1]

    def send(self, signal):
        """Send in a thread."""
        signal.send(None, n=1)

    def test_to_thread_is_inside(self, signal, calls):
        """A thread of asyncio.to_thread is inside the block, because it copies the context."""

        async def main():
            async with atomic():
                await asyncio.to_thread(signal.send, None, n=1)
                assert calls == []
            assert calls == [1]

        asyncio.run(main())

    def test_two_threads_have_two_transactions(self, signal, calls):
        """Each of two threads runs its receivers at the end of its own block."""
        inside, go = threading.Barrier(2), threading.Barrier(2)

        def work(n):
            with atomic():
                signal.send(None, n=n)
                inside.wait()
                assert calls == []
                go.wait()

        threads = [threading.Thread(target=work, args=(n,)) for n in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(calls) == [1, 2]

    def test_call_added_to_an_ended_block(self, signal, calls):
        """A call that is added to an ended block runs if it was committed."""
        for error, wanted in ((None, [1]), (BoomError("no"), [])):
            block = AtomicBlock(None, None, is_awaited=False)
            # The block was open when is_open() was called.
            with atomic():
                signal.send(None, n=1)
                kept = innermost().calls.pop()
            block.end(commit=error is None)
            block.add_call(kept)
            assert calls.taken() == wanted


class TestTasks:
    """Tasks copy the context in which they are started."""

    def test_gather_inside_a_block(self, signal, calls):
        """The sends of gathered tasks wait for the end of the block."""

        async def work(n):
            async with atomic():
                await signal.asend(None, n=n)
                await asyncio.sleep(0)
                if n == 2:
                    raise BoomError

        async def main():
            async with atomic():
                await asyncio.gather(*(work(n) for n in (1, 2, 3)), return_exceptions=True)
                assert calls == []
            assert sorted(calls) == [1, 3]

        asyncio.run(main())

    def test_task_that_runs_longer_than_the_block(self, signal, calls):
        """After the end of the block a task's sends run receivers at once."""

        async def work(over):
            await over.wait()
            signal.send(None, n=1)
            assert calls == [1]
            async with atomic():
                signal.send(None, n=2)
                assert calls == [1]
            assert calls == [1, 2]

        async def main():
            over = asyncio.Event()
            async with atomic():
                task = asyncio.create_task(work(over))
                await asyncio.sleep(0)
            over.set()
            await task

        asyncio.run(main())

    @pytest.mark.parametrize("fails", [False, True])
    def test_savepoint_that_ends_after_its_block(self, fails, signal, calls):
        """The outer block decides about the calls of a savepoint that ends after it."""

        async def work(over):
            async with atomic():
                signal.send(None, n=1)
                await over.wait()

        async def main():
            over = asyncio.Event()
            async with arolled_back() if fails else atomic():
                task = asyncio.create_task(work(over))
                await asyncio.sleep(0)
            assert calls == []
            over.set()
            await task

        asyncio.run(main())
        assert calls == ([] if fails else [1])

    def test_connection_is_released(self, signal, calls):
        """Neither a running task nor a response keeps the connection alive."""

        class Connection(sqlite3.Connection):
            """A connection with weak references."""

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
    """Generators and fixtures that end in another context."""

    def test_fixture_that_ends_in_another_context(self, signal, calls):
        """A block that ends in another context commits, and no context is inside it."""
        one, other = contextvars.Context(), contextvars.Context()
        block = atomic()
        one.run(block.__enter__)
        one.run(signal.send, None, n=1)
        with pytest.warns(RuntimeWarning, match="sends between did not wait") as caught:
            other.run(block.__exit__, None, None, None)
        assert [each.filename for each in caught] == [__file__]
        assert calls == [1]
        one.run(signal.send, None, n=2)
        assert calls == [1, 2]

    def test_ended_blocks_do_not_pile_up(self):
        """A context keeps at most the last ended block."""
        one = contextvars.copy_context()
        kept = []
        for _ in range(3):
            block = atomic()
            one.run(block.__enter__)
            kept.append(weakref.ref(one.run(lambda: next(active_boundaries()))))
            with pytest.warns(RuntimeWarning, match="left in another context"):
                contextvars.Context().run(block.__exit__, None, None, None)
            del block
        gc.collect()
        assert [there() is not None for there in kept] == [False, False, True]

    def test_suspended_generator(self, signal, calls):
        """The block of a suspended generator is active in the code that runs the generator."""

        def work():
            with atomic():
                yield
                signal.send(None, n=1)

        steps = work()
        next(steps)
        signal.send(None, n=2)
        assert calls == []
        with pytest.raises(StopIteration):
            next(steps)
        assert calls == [2, 1]

    def test_closed_generator(self, signal, calls):
        """A closed generator rolls its block back, because GeneratorExit leaves the block."""

        def work():
            with atomic():
                signal.send(None, n=1)
                yield

        steps = work()
        next(steps)
        steps.close()
        signal.send(None, n=2)
        assert calls == [2]

    def test_blocks_that_end_in_the_wrong_order(self, signal, calls):
        """The end of the outer block decides about the inner one."""
        outer, inner = atomic(), atomic()
        outer.__enter__()
        inner.__enter__()
        signal.send(None, n=1)
        outer.__exit__(None, None, None)
        assert calls == []
        inner.__exit__(None, None, None)
        assert calls == [1]
        signal.send(None, n=2)
        assert calls == [1, 2]
