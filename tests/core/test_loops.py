"""Between sync and async: the thread hop, tasks together, and the loop kept per thread."""

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import threading
import weakref
from contextvars import ContextVar, copy_context
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import clarion
from clarion._core import loops
from tests.core.receivers import answers, raising_async

variable: ContextVar[str] = ContextVar("variable", default="unset")


@pytest.fixture
def kept():
    """Return the loop that this thread keeps, made if need be."""
    loops.complete(nothing())
    assert loops._kept.loop is not None
    return loops._kept.loop


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


class TestHop:
    """A function in a worker thread."""

    def test_it_returns_and_raises(self):
        """What the function returns or raises comes out."""
        assert asyncio.run(loops.hop(threading.get_ident)) != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            asyncio.run(loops.hop(lambda: 1 // 0))

    def test_what_ends_the_program_comes_out(self):
        """Also what a future would not carry well."""

        def leave():
            raise SystemExit(3)

        with pytest.raises(SystemExit):
            asyncio.run(loops.hop(leave))

    def test_context_goes_along_and_comes_back(self):
        """The thread sees what was set here, and what it sets is set here."""

        async def main():
            variable.set("here")
            seen = await loops.hop(lambda: (variable.get(), variable.set("there"))[0])
            return seen, variable.get()

        assert asyncio.run(main()) == ("here", "there")

    def test_no_cycle_is_left_of_an_error(self):
        """What the function raised goes when nobody needs it, without the collector."""

        class Failure(Exception):  # noqa: N818
            """Can be weakly referenced."""

        def fail():
            raise Failure

        async def main():
            try:
                await loops.hop(fail)
            except Failure as error:
                return weakref.ref(error)

        gc.collect()
        gc.disable()
        try:
            failure = asyncio.run(main())
            assert failure is not None
            assert failure() is None
        finally:
            gc.enable()


class TestTogether:
    """Coroutines, concurrently."""

    def test_results_are_in_order(self):
        """Whoever is done first."""

        async def after(turns):
            for _ in range(turns):
                await asyncio.sleep(0)
            return turns

        assert asyncio.run(loops.together([after(3), after(0), after(1)])) == [3, 0, 1]
        assert asyncio.run(loops.together([])) == []

    @pytest.mark.skipif(sys.version_info < (3, 12), reason="tasks could not be eager before")
    def test_tasks_are_eager(self):
        """What never suspends needs no turn of the loop."""

        async def main():
            turns: list[int] = []
            asyncio.get_running_loop().call_soon(turns.append, 1)
            await loops.together([nothing(), nothing()])
            return list(turns)

        assert asyncio.run(main()) == []

    def test_an_interrupt_leaves_no_coroutine_behind(self):
        """What had not begun when the program was to end is closed, not forgotten."""

        async def interrupt():
            raise KeyboardInterrupt

        async def main():
            await loops.together([nothing(), interrupt(), nothing(), nothing()])

        with pytest.raises(KeyboardInterrupt):
            asyncio.run(main())
        gc.collect()


class TestAdopt:
    """Context variables, carried over."""

    def test_what_was_set_is_set_here(self):
        """New variables and changed ones."""
        fresh: ContextVar[int] = ContextVar("fresh")
        before = copy_context()
        context = before.copy()
        context.run(fresh.set, 1)
        context.run(variable.set, "changed")

        def here():
            loops.adopt(context, before)
            return fresh.get(), variable.get()

        assert copy_context().run(here) == (1, "changed")

    def test_what_was_not_set_is_left_alone(self):
        """Somebody may have set it here meanwhile."""
        before = copy_context()
        before.run(variable.set, "before")
        context = before.copy()

        def here():
            variable.set("meanwhile")
            loops.adopt(context, before)
            return variable.get()

        assert before.copy().run(here) == "meanwhile"


class TestRunning:
    """Is there a loop?"""

    def test_a_running_loop_is_seen(self):
        """In this thread, and only while it runs."""

        async def main():
            return loops.is_loop_running(), await loops.hop(loops.is_loop_running)

        assert not loops.is_loop_running()
        assert asyncio.run(main()) == (True, False)
        assert not loops.is_loop_running()

    def test_asyncio_may_be_half_imported(self, monkeypatch):
        """Another thread may be amid importing it."""
        monkeypatch.setitem(sys.modules, "asyncio", ModuleType("asyncio"))
        assert not loops.is_loop_running()
        monkeypatch.delitem(sys.modules, "asyncio")
        assert not loops.is_loop_running()


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
        loops.complete(nothing())

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

        assert in_new_thread(lambda: loops.complete(start())) == 1
        assert told == ["closed"]

    def test_context_comes_back(self):
        """Also from what fails."""

        async def failing():
            variable.set("set")
            raise ValueError("no")

        def here():
            with pytest.raises(ValueError, match="no"):
                loops.complete(failing())
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
        assert answers([(None, loops.complete(asyncio.sleep(0, "next")))]) == ["next"]
        gc.collect()
        assert caplog.records == []

    def test_an_error_leaves_it_usable(self, signal, kept):
        """A failed send is no reason for another loop."""
        signal.connect(raising_async(ValueError("no")))
        with pytest.raises(ValueError, match="no"):
            signal.send(None)
        assert loops._kept.loop is kept
        signal.send_robust(None)

    def test_closing_it_twice_is_no_harm(self):
        """It is closed by whoever comes first."""
        loop = loops.KeptLoop()
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
