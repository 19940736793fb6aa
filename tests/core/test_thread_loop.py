"""The loop kept per thread."""

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import threading
from contextvars import ContextVar, copy_context
from pathlib import Path
from typing import Any

import pytest

import clarion
from clarion._core import thread_loop
from tests.core.receivers import answers, raising_async

variable: ContextVar[str] = ContextVar("variable", default="unset")


@pytest.fixture
def kept():
    """Return the loop that this thread keeps, made if need be."""
    thread_loop.complete(nothing())
    assert thread_loop._of_thread.loop is not None
    return thread_loop._of_thread.loop


async def nothing():
    """Do nothing."""


def in_new_thread(function):
    """Call a function in a thread that ends with it; return its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    return results.pop()


# Prints how many bytes a hundred threads leave behind that have had a loop each.
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
before, _ = tracemalloc.get_traced_memory()
threads(100)
print(tracemalloc.get_traced_memory()[0] - before)
"""


class TestKept:
    """The loop that a thread keeps for its sends."""

    def test_it_is_used_again(self, signal):
        """All sends of a thread run on one loop."""

        async def receiver(**kwargs):
            return asyncio.get_running_loop()

        signal.connect(receiver)
        (one,), (two,) = answers(signal.send(None)), answers(signal.send_robust(None))
        assert one is two
        assert not one.is_running()
        assert not one.is_closed()

    def test_it_is_nobody_elses(self, signal):
        """Each thread has its own."""

        async def receiver(**kwargs):
            return asyncio.get_running_loop()

        signal.connect(receiver)
        (here,) = answers(signal.send(None))
        (there,) = in_new_thread(lambda: answers(signal.send(None)))
        assert here is not there

    def test_it_is_not_the_current_loop(self, kept):
        """Whoever runs a loop of their own beside it may do so."""
        assert asyncio.run(asyncio.sleep(0, "mine")) == "mine"
        thread_loop.complete(nothing())

    def test_it_is_closed_when_its_thread_ends(self, signal):
        """Without waiting for the garbage collector."""

        async def receiver(**kwargs):
            await asyncio.to_thread(int)
            return asyncio.get_running_loop()

        signal.connect(receiver)
        (loop,) = in_new_thread(lambda: answers(signal.send(None)))
        assert loop.is_closed()

    def test_threads_that_end_leave_no_memory_behind(self):
        """However many have had a loop; told by a process that nobody measures."""
        environ = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
        done = subprocess.run(
            [sys.executable, "-c", GROWTH],
            capture_output=True,
            text=True,
            env={**environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) < 5_000  # an interpreter's note on a running loop is 200 each

    def test_no_task_is_left_pending(self, signal, kept):
        """What a receiver started and did not await is cancelled when the send ends."""
        told: list[Any] = []

        async def background():
            try:
                await asyncio.Event().wait()
            finally:
                told.append("ended")

        async def receiver(**kwargs):
            told.append(asyncio.create_task(background()))
            await asyncio.sleep(0)

        signal.connect(receiver)
        signal.send(None)
        task, ended = told
        assert task.cancelled()
        assert ended == "ended"
        assert asyncio.all_tasks(kept._loop) == set()

    def test_what_never_suspends_makes_no_round(self, signal, kept, monkeypatch):
        """The loop is not run for a receiver that is done after its first step."""

        async def receiver(**kwargs):
            return asyncio.get_running_loop() is kept._loop

        monkeypatch.setattr(kept._loop, "run_until_complete", None)
        signal.connect(receiver)
        assert answers(signal.send(None)) == [True]

    def test_the_first_line_runs_as_any_other(self, signal):
        """The loop runs, in a task, with timeouts and task groups, before anything suspends."""

        async def receiver(**kwargs):
            task, loop = asyncio.current_task(), asyncio.get_running_loop()
            async with asyncio.timeout(60), asyncio.TaskGroup() as group:
                child = group.create_task(asyncio.sleep(0, "child"))
            assert asyncio.current_task() is task
            return loop.is_running(), await child

        signal.connect(receiver)
        assert answers(signal.send(None)) == [(True, "child")]

    def test_a_timeout_strikes(self, signal):
        """The task that takes the first step is the one that is cancelled."""

        async def receiver(**kwargs):
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()

        signal.connect(receiver)
        with pytest.raises(TimeoutError):
            signal.send(None)

    def test_what_was_scheduled_for_at_once_is_run(self, signal):
        """A callback that a receiver leaves in the queue runs before the send ends."""
        told: list[Any] = []

        async def receiver(**kwargs):
            asyncio.get_running_loop().call_soon(told.append, "called")

        signal.connect(receiver)
        signal.send(None)
        assert told == ["called"]

    def test_a_task_begun_while_others_are_cancelled_is_cancelled(self, signal, kept):
        """However long the chain is, nothing of it is left."""
        told = []

        async def waiting(depth):
            try:
                await asyncio.Event().wait()
            finally:
                told.append(depth)
                if depth:
                    told.append(asyncio.create_task(waiting(depth - 1)))
                    await asyncio.sleep(0)

        async def receiver(**kwargs):
            told.append(asyncio.create_task(waiting(2)))
            await asyncio.sleep(0)

        signal.connect(receiver)
        signal.send(None)
        assert [each for each in told if isinstance(each, int)] == [2, 1, 0]
        assert asyncio.all_tasks(kept._loop) == set()

    def test_an_interrupt_of_the_first_step_is_told_once(self, signal, caplog):
        """It reaches the sender, and is not logged as well."""

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

    def test_an_error_that_nobody_asks_for_is_logged(self, signal, caplog):
        """That of a task that a receiver has started and forgotten, as asyncio does."""

        async def failing():
            raise ValueError("forgotten")

        async def receiver(**kwargs):
            asyncio.create_task(failing())  # noqa: RUF006
            await asyncio.sleep(0)

        signal.connect(receiver)
        signal.send(None)
        gc.collect()
        assert [record.exc_info[0] for record in caplog.records] == [ValueError]

    def test_a_generator_that_was_left_is_closed(self, signal, kept):
        """An async generator that a receiver did not exhaust is cleaned up with the send."""
        told = []

        async def numbers():
            try:
                yield 1
                yield 2
            finally:
                told.append("closed")

        async def receiver(**kwargs):
            async for _ in numbers():
                break

        signal.connect(receiver)
        signal.send(None)
        assert told == ["closed"]

    def test_a_generator_that_is_kept_is_closed_with_the_loop(self):
        """One that outlives the sends is closed when its thread ends."""
        told = []
        held = []

        async def numbers():
            try:
                yield 1
            finally:
                told.append("closed")

        async def start():
            held.append(numbers())
            return await anext(held[0])

        assert in_new_thread(lambda: thread_loop.complete(start())) == 1
        assert told == ["closed"]

    def test_context_comes_back(self):
        """Also from what fails."""

        async def failing():
            variable.set("set")
            raise ValueError("no")

        def here():
            with pytest.raises(ValueError, match="no"):
                thread_loop.complete(failing())
            return variable.get()

        assert copy_context().run(here) == "set"

    @pytest.mark.parametrize("count", [1, 2])
    def test_an_interrupt_leaves_it_usable(self, signal, kept, count, caplog):
        """KeyboardInterrupt reaches the sender; siblings are cancelled, and the next send works."""
        told = []

        async def slow(**kwargs):
            try:
                await asyncio.Event().wait()
            finally:
                told.append("ended")

        async def interrupted(**kwargs):
            await asyncio.sleep(0)
            raise KeyboardInterrupt

        for number in range(count - 1):
            signal.connect(slow, dispatch_uid=("slow", number))
        signal.connect(interrupted)
        with pytest.raises(KeyboardInterrupt):
            signal.send(None)
        assert told == ["ended"] * (count - 1)
        assert asyncio.all_tasks(kept._loop) == set()
        assert answers([(None, thread_loop.complete(asyncio.sleep(0, "next")))]) == ["next"]
        gc.collect()
        assert caplog.records == []

    def test_an_error_leaves_it_usable(self, signal, kept):
        """A failed send is no reason for another loop."""
        signal.connect(raising_async(ValueError("no")))
        with pytest.raises(ValueError, match="no"):
            signal.send(None)
        assert thread_loop._of_thread.loop is kept
        signal.send_robust(None)

    def test_closing_it_twice_is_no_harm(self):
        """It is closed by whoever comes first."""
        loop = thread_loop.ThreadLoop()
        loop.complete(nothing())
        loop.close()
        loop.close()
        assert loop._loop.is_closed()


def run(program):
    """Run a program that sends; return what it prints. It must not complain about anything."""
    prelude = """
    import asyncio, gc, os, sys, threading
    from clarion import Signal
    signal = Signal()
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(clarion.__path__[0]).parent)}
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", textwrap.dedent(prelude) + textwrap.dedent(program)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout.split()


class TestProcesses:
    """The end of a process, and its division."""

    def test_the_end_is_quiet(self):
        """Kept loops, used from the main thread and from others, raise nothing at exit."""
        program = """
        async def receiver(**kwargs):
            return await asyncio.to_thread(int)

        def wait():
            signal.send(None)
            sent.set()
            threading.Event().wait()

        signal.connect(receiver)
        sent = threading.Event()
        print(signal.send(None)[0][1])
        thread = threading.Thread(target=signal.send, args=(None,))
        thread.start()
        thread.join()
        threading.Thread(target=wait, daemon=True).start()
        sent.wait()
        """
        assert run(program) == ["0"]

    def test_a_send_at_exit_works(self):
        """Receivers may still be sent to by whoever tidies up."""
        program = """
        import atexit

        async def receiver(**kwargs):
            print("heard")

        signal.connect(receiver)
        atexit.register(signal.send, None)
        signal.send(None)
        """
        assert run(program) == ["heard", "heard"]

    FORKS = """
    import warnings
    warnings.simplefilter("ignore")  # that a process with threads forks, and leaves sockets

    def loop_of(responses):
        ((_, loop),) = responses
        return loop

    async def receiver(**kwargs):
        # Repeated, so that some of the wake-ups come while the loop sleeps.
        loop = asyncio.get_running_loop()
        for _ in range(20):
            event = threading.Event()
            loop.call_later(0.001, event.set)
            await asyncio.to_thread(event.wait)
        return loop

    signal.connect(receiver)
    """

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
    def test_a_fork_has_a_loop_of_its_own(self):
        """The child does not use its parent's loop, and both can go on."""
        program = """
        mine = loop_of(signal.send(None))
        child = os.fork()
        if not child:
            theirs = loop_of(signal.send(None))
            print("other" if theirs is not mine else "same", flush=True)
            sys.exit()
        os.waitpid(child, 0)
        print("kept" if loop_of(signal.send(None)) is mine else "lost")
        """
        assert run(textwrap.dedent(self.FORKS) + textwrap.dedent(program)) == ["other", "kept"]

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
    def test_a_fork_does_not_disturb_other_threads(self):
        """A thread of the parent can go on with its loop, though the child has dropped it."""
        program = """
        def work():
            mine = loop_of(signal.send(None))
            ready.set()
            forked.wait()
            print("kept" if loop_of(signal.send(None)) is mine else "lost")

        ready, forked = threading.Event(), threading.Event()
        thread = threading.Thread(target=work)
        thread.start()
        ready.wait()
        child = os.fork()
        if not child:
            gc.collect()
            os._exit(0)
        os.waitpid(child, 0)
        forked.set()
        thread.join()
        """
        assert run(textwrap.dedent(self.FORKS) + textwrap.dedent(program)) == ["kept"]
