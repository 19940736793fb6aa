"""Between sync and async: the thread hop, tasks together."""

import asyncio
import gc
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from types import ModuleType

import pytest

from clarion._core import loops
from clarion.errors import NoLoopError

variable: ContextVar[str] = ContextVar("variable", default="unset")


async def nothing():
    """Do nothing."""


class TestHop:
    """A function in a worker thread."""

    def test_it_returns_and_raises(self):
        """What the function returns or raises comes out."""
        assert asyncio.run(loops.run_in_thread(threading.get_ident)) != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            asyncio.run(loops.run_in_thread(lambda: 1 // 0))

    def test_what_ends_the_program_comes_out(self):
        """Also what a future would not carry well."""

        def leave():
            raise SystemExit(3)

        with pytest.raises(SystemExit):
            asyncio.run(loops.run_in_thread(leave))

    def test_context_goes_along_and_comes_back(self):
        """The thread sees what was set here, and what it sets is set here."""

        async def main():
            variable.set("here")
            seen = await loops.run_in_thread(lambda: (variable.get(), variable.set("there"))[0])
            return seen, variable.get()

        assert asyncio.run(main()) == ("here", "there")

    def test_a_cancelled_sender_waits_for_its_thread(self):
        """A thread cannot be stopped, so its end is awaited, however often one is cancelled."""
        begun, leave, told = threading.Event(), threading.Event(), []

        def work():
            begun.set()
            assert leave.wait(60)
            variable.set("in the thread")
            told.append("ended")

        async def sender():
            try:
                await loops.run_in_thread(work)
            finally:
                told.append(variable.get())

        async def main():
            task = asyncio.create_task(sender())
            await asyncio.to_thread(begun.wait, 60)
            for _ in range(3):
                task.cancel()
                await asyncio.sleep(0)
            assert not task.done()
            leave.set()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert told == ["ended", "in the thread"]

    def test_what_has_not_begun_never_does(self):
        """A sender that is cancelled while all threads are busy does not wait for one."""
        leave, told = threading.Event(), []

        async def main():
            loop = asyncio.get_running_loop()
            loop.set_default_executor(ThreadPoolExecutor(1))
            busy = loop.run_in_executor(None, leave.wait, 60)
            task = asyncio.create_task(loops.run_in_thread(lambda: told.append("called")))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 60)
            leave.set()
            await busy

        asyncio.run(main())
        assert told == []

    def test_what_decides_late_finds_it_decided(self):
        """Of the thread and the sender who gives up one has its way, whoever comes first."""

        async def main():
            told: list[str] = []
            thread_call = loops.ThreadCall(
                lambda: told.append("called"), asyncio.get_running_loop()
            )
            await thread_call.prevent_or_wait()
            thread_call()
            return told

        assert asyncio.run(main()) == []

    def test_it_needs_a_loop(self):
        """Awaited by nobody's loop, it says what it needs."""
        with pytest.raises(NoLoopError, match="inline=True"):
            loops.run_in_thread(int).send(None)

    def test_no_cycle_is_left_of_an_error(self):
        """What the function raised goes when nobody needs it, without the collector."""

        class Failure(Exception):  # noqa: N818
            """Can be weakly referenced."""

        def fail():
            raise Failure

        async def main():
            try:
                await loops.run_in_thread(fail)
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

        async def main():
            return [task.result() for task in await loops.gather([after(3), after(0), after(1)])]

        assert asyncio.run(main()) == [3, 0, 1]
        assert asyncio.run(loops.gather([])) == []

    @pytest.mark.skipif(sys.version_info < (3, 12), reason="tasks could not be eager before")
    def test_tasks_are_eager(self):
        """What never suspends needs no turn of the loop."""

        async def main():
            turns: list[int] = []
            asyncio.get_running_loop().call_soon(turns.append, 1)
            await loops.gather([nothing(), nothing()])
            return list(turns)

        assert asyncio.run(main()) == []

    def test_they_need_a_loop(self):
        """Where none runs, none of them begins, and none is left behind."""
        with pytest.raises(NoLoopError):
            loops.gather([nothing(), nothing()]).send(None)
        gc.collect()

    def test_a_failure_cancels_the_others(self):
        """At once, and they are awaited."""

        async def failing():
            await asyncio.sleep(0)
            raise ValueError("no")

        async def main():
            failed, waiting = await loops.gather([failing(), asyncio.Event().wait()])
            return failed.exception(), waiting.cancelled()

        error, cancelled = asyncio.run(main())
        assert repr(error) == "ValueError('no')"
        assert cancelled

    def test_a_failure_before_anybody_waits_cancels_the_others(self):
        """Also if it came out of the first step."""

        async def failing():
            raise ValueError("no")

        async def main():
            waiting, failed = await loops.gather([asyncio.Event().wait(), failing()])
            return failed.exception() is not None, waiting.cancelled()

        assert asyncio.run(main()) == (True, True)

    def test_a_robust_run_goes_on(self):
        """An Exception is no reason to cancel the others; a task that cancels itself is."""

        async def failing():
            raise ValueError("no")

        async def cancelling():
            await asyncio.sleep(0)
            raise asyncio.CancelledError

        async def main():
            tolerated = await loops.gather([failing(), asyncio.sleep(0, "done")], robust=True)
            ended = await loops.gather([cancelling(), asyncio.Event().wait()], robust=True)
            return tolerated[1].result(), [task.cancelled() for task in ended]

        assert asyncio.run(main()) == ("done", [True, True])

    def test_an_interrupt_leaves_no_coroutine_behind(self):
        """What had not begun when the program was to end is closed, not forgotten."""

        async def interrupt():
            raise KeyboardInterrupt

        async def main():
            await loops.gather([nothing(), interrupt(), nothing(), nothing()])

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
            loops.copy_context_back(context, before)
            return fresh.get(), variable.get()

        assert copy_context().run(here) == (1, "changed")

    def test_what_was_not_set_is_left_alone(self):
        """Somebody may have set it here meanwhile."""
        before = copy_context()
        before.run(variable.set, "before")
        context = before.copy()

        def here():
            variable.set("meanwhile")
            loops.copy_context_back(context, before)
            return variable.get()

        assert before.copy().run(here) == "meanwhile"


class TestRunning:
    """Is there a loop?"""

    def test_a_running_loop_is_seen(self):
        """In this thread, and only while it runs."""

        async def main():
            return loops.is_loop_running(), await loops.run_in_thread(loops.is_loop_running)

        assert not loops.is_loop_running()
        assert asyncio.run(main()) == (True, False)
        assert not loops.is_loop_running()

    def test_asyncio_may_be_half_imported(self, monkeypatch):
        """Another thread may be amid importing it."""
        monkeypatch.setitem(sys.modules, "asyncio", ModuleType("asyncio"))
        assert not loops.is_loop_running()
        monkeypatch.delitem(sys.modules, "asyncio")
        assert not loops.is_loop_running()
