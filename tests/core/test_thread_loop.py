"""The event loop of a thread."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
from contextvars import ContextVar, copy_context
from typing import Any

import pytest

from clarion._core import thread_loop
from tests.core.receivers import answers, nothing, raising_async

variable: ContextVar[str] = ContextVar("variable", default="unset")


def in_new_thread(function):
    """Call a function in a new thread; return its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    return results.pop()


# Prints how many bytes remain of a hundred threads that had a loop each.
GROWTH = """
import gc, threading, tracemalloc
from clarion import Signal

signal = Signal()

async def receive(sender, **kwargs): ...

signal.connect(receive)

def threads(count):
    for _ in range(count):
        thread = threading.Thread(target=signal.send, args=[None])
        thread.start()
        thread.join()
    gc.collect()

threads(20)
tracemalloc.start()
threads(20)

def growth():
    before, _ = tracemalloc.get_traced_memory()
    threads(100)
    return tracemalloc.get_traced_memory()[0] - before

# The least of three: the interpreter's table of strings grows once, by 400 kB.
print(min(growth() for _ in range(3)))
"""


class TestThreadLoop:
    """The event loop of a thread and its sends."""

    def test_it_is_reused(self, signal):
        """All sends of a thread run on one loop."""

        async def receiver(**kwargs):
            return asyncio.get_running_loop()

        signal.connect(receiver)
        (one,), (two,) = answers(signal.send(None)), answers(signal.send_robust(None))
        assert one is two
        assert not one.is_running()
        assert not one.is_closed()

    def test_each_thread_has_its_own(self, signal):
        """Each thread has a separate loop."""

        async def receiver(**kwargs):
            return asyncio.get_running_loop()

        signal.connect(receiver)
        (here,) = answers(signal.send(None))
        (there,) = in_new_thread(lambda: answers(signal.send(None)))
        assert here is not there

    def test_it_is_not_the_current_loop(self, own_loop):
        """A thread may run another event loop beside it."""
        assert asyncio.run(asyncio.sleep(0, "mine")) == "mine"
        thread_loop.complete(nothing())

    def test_it_is_closed_when_its_thread_ends(self, signal):
        """The loop is closed when its thread ends, without the garbage collector."""

        async def receiver(**kwargs):
            await asyncio.to_thread(int)
            return asyncio.get_running_loop()

        signal.connect(receiver)
        (loop,) = in_new_thread(lambda: answers(signal.send(None)))
        assert loop.is_closed()

    def test_ended_threads_leave_no_memory_behind(self):
        """Threads that had a loop leave no memory behind, in a process without a tracer."""
        environ = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
        done = subprocess.run(
            [sys.executable, "-c", GROWTH],
            capture_output=True,
            text=True,
            env={**environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) < 5_000  # the interpreter's entry for a running loop takes 200 each

    def test_no_task_is_left_pending(self, signal, own_loop):
        """A task that a receiver did not await is cancelled when the send ends."""
        found: list[Any] = []

        async def background():
            try:
                await asyncio.Event().wait()
            finally:
                found.append("ended")

        async def receiver(**kwargs):
            found.append(asyncio.create_task(background()))
            await asyncio.sleep(0)

        signal.connect(receiver)
        signal.send(None)
        task, ended = found
        assert task.cancelled()
        assert ended == "ended"
        assert asyncio.all_tasks(own_loop._loop) == set()

    def test_a_receiver_that_does_not_suspend(self, signal, own_loop, monkeypatch):
        """The loop does not run for a receiver that ends without suspending."""

        async def receiver(**kwargs):
            return asyncio.get_running_loop() is own_loop._loop

        monkeypatch.setattr(own_loop._loop, "run_until_complete", None)
        signal.connect(receiver)
        assert answers(signal.send(None)) == [True]

    def test_the_first_step_runs_in_a_task(self, signal):
        """The first step runs on the loop, in a task, with timeouts and task groups."""

        async def receiver(**kwargs):
            task, loop = asyncio.current_task(), asyncio.get_running_loop()
            async with asyncio.timeout(60), asyncio.TaskGroup() as group:
                child = group.create_task(asyncio.sleep(0, "child"))
            assert asyncio.current_task() is task
            return loop.is_running(), await child

        signal.connect(receiver)
        assert answers(signal.send(None)) == [(True, "child")]

    def test_a_timeout_cancels_the_first_step(self, signal):
        """A timeout cancels the task of the first step."""

        async def receiver(**kwargs):
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()

        signal.connect(receiver)
        with pytest.raises(TimeoutError):
            signal.send(None)

    def test_a_scheduled_callback_runs(self, signal):
        """A callback that a receiver schedules runs before the send ends."""
        found: list[Any] = []

        async def receiver(**kwargs):
            asyncio.get_running_loop().call_soon(found.append, "called")

        signal.connect(receiver)
        signal.send(None)
        assert found == ["called"]

    def test_a_task_of_a_cancelled_task_is_cancelled(self, signal, own_loop):
        """A task that a cancelled task starts is cancelled too, however long the chain is."""
        found = []

        async def waiting(depth):
            try:
                await asyncio.Event().wait()
            finally:
                found.append(depth)
                if depth:
                    found.append(asyncio.create_task(waiting(depth - 1)))
                    await asyncio.sleep(0)

        async def receiver(**kwargs):
            found.append(asyncio.create_task(waiting(2)))
            await asyncio.sleep(0)

        signal.connect(receiver)
        signal.send(None)
        assert [each for each in found if isinstance(each, int)] == [2, 1, 0]
        assert asyncio.all_tasks(own_loop._loop) == set()

    def test_an_interrupt_of_the_first_step_is_raised_once(self, signal, caplog):
        """An interrupt in the first step is raised, and not logged."""

        async def interrupted(**kwargs):
            raise KeyboardInterrupt

        signal.connect(interrupted)
        with pytest.raises(KeyboardInterrupt):
            signal.send(None)
        gc.collect()
        assert caplog.records == []
        signal.disconnect(interrupted)
        signal.connect(raising_async(ValueError("no")))
        assert isinstance(signal.send_robust(None)[0][1], ValueError)

    def test_an_unretrieved_error_is_logged(self, signal, caplog):
        """The error of a task that a receiver did not await is logged, as in asyncio."""

        async def failing():
            raise ValueError("forgotten")

        async def receiver(**kwargs):
            asyncio.create_task(failing())  # noqa: RUF006
            await asyncio.sleep(0)

        signal.connect(receiver)
        signal.send(None)
        gc.collect()
        assert [record.exc_info[0] for record in caplog.records] == [ValueError]

    def test_an_unfinished_generator_is_closed(self, signal, own_loop):
        """An async generator that a receiver did not exhaust is closed with the send."""
        found = []

        async def numbers():
            try:
                yield 1
                yield 2
            finally:
                found.append("closed")

        async def receiver(**kwargs):
            async for _ in numbers():
                break

        signal.connect(receiver)
        signal.send(None)
        assert found == ["closed"]

    def test_a_referenced_generator_is_closed_with_the_loop(self):
        """An async generator that is still referenced is closed when its thread ends."""
        found = []
        held = []

        async def numbers():
            try:
                yield 1
            finally:
                found.append("closed")

        async def start():
            held.append(numbers())
            return await anext(held[0])

        assert in_new_thread(lambda: thread_loop.complete(start())) == 1
        assert found == ["closed"]

    def test_a_freed_generator_is_closed_with_the_loop(self):
        """A generator that is freed between two sends is closed at the latest with its loop."""
        loop, closed = thread_loop.ThreadLoop(), []

        async def generate():
            try:
                yield
            finally:
                await asyncio.sleep(0)
                closed.append(asyncio.get_running_loop())

        kept = [generate()]

        async def begin():
            await anext(kept[0])

        loop.complete(begin())
        kept.clear()
        gc.collect()
        assert closed == []
        loop.close()
        assert closed == [loop._loop]

    def test_context_is_copied_back(self):
        """Context variables are copied back, from a failing receiver too."""

        async def failing():
            variable.set("set")
            raise ValueError("no")

        def here():
            with pytest.raises(ValueError, match="no"):
                thread_loop.complete(failing())
            return variable.get()

        assert copy_context().run(here) == "set"

    @pytest.mark.parametrize("count", [1, 2])
    def test_an_interrupt_leaves_it_usable(self, signal, own_loop, count, caplog):
        """KeyboardInterrupt is raised, the receivers are cancelled, and the next send works."""
        found = []

        async def slow(**kwargs):
            try:
                await asyncio.Event().wait()
            finally:
                found.append("ended")

        async def interrupted(**kwargs):
            await asyncio.sleep(0)
            raise KeyboardInterrupt

        for number in range(count - 1):
            signal.connect(slow, dispatch_uid=("slow", number))
        signal.connect(interrupted)
        with pytest.raises(KeyboardInterrupt):
            signal.send(None)
        assert found == ["ended"] * (count - 1)
        assert asyncio.all_tasks(own_loop._loop) == set()
        assert answers([(None, thread_loop.complete(asyncio.sleep(0, "next")))]) == ["next"]
        gc.collect()
        assert caplog.records == []

    def test_an_error_leaves_it_usable(self, signal, own_loop):
        """A send that fails keeps the loop."""
        signal.connect(raising_async(ValueError("no")))
        with pytest.raises(ValueError, match="no"):
            signal.send(None)
        assert thread_loop._of_thread.loop is own_loop
        signal.send_robust(None)

    def test_it_may_be_closed_twice(self):
        """The loop can be closed twice."""
        loop = thread_loop.ThreadLoop()
        loop.complete(nothing())
        loop.close()
        loop.close()
        assert loop._loop.is_closed()
