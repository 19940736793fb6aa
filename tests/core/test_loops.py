"""Threads and concurrent coroutines of a send."""

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
from tests.core.receivers import nothing

variable: ContextVar[str] = ContextVar("variable", default="unset")


class TestRunInThread:
    """A function in a worker thread."""

    def test_it_returns_and_raises(self):
        """The call returns the result of the function, or raises its error."""
        assert asyncio.run(loops.run_in_thread(threading.get_ident)) != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            asyncio.run(loops.run_in_thread(lambda: 1 // 0))

    def test_system_exit_is_raised(self):
        """SystemExit, which a future cannot carry, is raised too."""

        def leave():
            raise SystemExit(3)

        with pytest.raises(SystemExit):
            asyncio.run(loops.run_in_thread(leave))

    def test_context_is_copied_both_ways(self):
        """The thread has the caller's context variables, and its changes come back."""

        async def main():
            variable.set("copied")
            seen = await loops.run_in_thread(lambda: (variable.get(), variable.set("there"))[0])
            return seen, variable.get()

        assert asyncio.run(main()) == ("copied", "there")

    def test_a_cancelled_sender_waits_for_its_thread(self):
        """A sender that is cancelled waits for its thread, even if it is cancelled again."""
        begun, leave, log = threading.Event(), threading.Event(), []

        def work():
            begun.set()
            assert leave.wait(60)
            variable.set("in the thread")
            log.append("ended")

        async def sender():
            try:
                await loops.run_in_thread(work)
            finally:
                log.append(variable.get())

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
        assert log == ["ended", "in the thread"]

    def test_a_cancelled_waiting_call_is_not_made(self):
        """A call that waits for a free thread is dropped when the sender is cancelled."""
        leave, log = threading.Event(), []

        async def main():
            loop = asyncio.get_running_loop()
            loop.set_default_executor(ThreadPoolExecutor(1))
            busy = loop.run_in_executor(None, leave.wait, 60)
            task = asyncio.create_task(loops.run_in_thread(lambda: log.append("called")))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 60)
            leave.set()
            await busy

        asyncio.run(main())
        assert log == []

    def test_a_prevented_call_is_not_made(self):
        """A call that the sender has prevented is not made by the thread."""

        async def main():
            log: list[str] = []
            thread_call = loops.ThreadCall(lambda: log.append("called"), asyncio.get_running_loop())
            await thread_call.prevent_or_wait()
            thread_call()
            return log

        assert asyncio.run(main()) == []

    def test_it_needs_a_loop(self):
        """Outside an event loop the call raises an error with the cure."""
        with pytest.raises(NoLoopError, match="inline=True"):
            loops.run_in_thread(int).send(None)

    def test_an_error_leaves_no_cycle(self):
        """An error of the function is freed without the garbage collector."""

        class Failure(Exception):  # noqa: N818
            """An error that supports weak references."""

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


class TestGather:
    """Coroutines that run concurrently."""

    def test_results_are_in_order(self):
        """The results are in the order of the coroutines, not of their ends."""

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
        """A coroutine that does not suspend needs no turn of the loop."""

        async def main():
            turns: list[int] = []
            asyncio.get_running_loop().call_soon(turns.append, 1)
            await loops.gather([nothing(), nothing()])
            return list(turns)

        assert asyncio.run(main()) == []

    def test_they_need_a_loop(self):
        """Outside an event loop no coroutine starts, and all are closed."""
        with pytest.raises(NoLoopError):
            loops.gather([nothing(), nothing()]).send(None)
        gc.collect()

    def test_a_failure_cancels_the_others(self):
        """A failure cancels the others and waits for them."""

        async def failing():
            await asyncio.sleep(0)
            raise ValueError("no")

        async def main():
            failed, waiting = await loops.gather([failing(), asyncio.Event().wait()])
            return failed.exception(), waiting.cancelled()

        error, cancelled = asyncio.run(main())
        assert repr(error) == "ValueError('no')"
        assert cancelled

    def test_a_failure_in_the_first_step_cancels_the_others(self):
        """A failure in the first step cancels the others too."""

        async def failing():
            raise ValueError("no")

        async def main():
            waiting, failed = await loops.gather([asyncio.Event().wait(), failing()])
            return failed.exception() is not None, waiting.cancelled()

        assert asyncio.run(main()) == (True, True)

    def test_a_robust_run_goes_on(self):
        """A robust run continues after an Exception, and ends after a cancellation."""

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
        """Coroutines that have not started at an interrupt are closed."""

        async def interrupt():
            raise KeyboardInterrupt

        async def main():
            await loops.gather([nothing(), interrupt(), nothing(), nothing()])

        with pytest.raises(KeyboardInterrupt):
            asyncio.run(main())
        gc.collect()


class TestCopyContextBack:
    """Context variables that are copied back."""

    def test_changed_variables_are_copied(self):
        """New variables and changed ones are copied back."""
        new: ContextVar[int] = ContextVar("new")
        before = copy_context()
        context = before.copy()
        context.run(new.set, 1)
        context.run(variable.set, "changed")

        def copied():
            loops.copy_context_back(context, before)
            return new.get(), variable.get()

        assert copy_context().run(copied) == (1, "changed")

    def test_unchanged_variables_are_not_copied(self):
        """A variable that the context did not change keeps its later value."""
        before = copy_context()
        before.run(variable.set, "before")
        context = before.copy()

        def copied():
            variable.set("meanwhile")
            loops.copy_context_back(context, before)
            return variable.get()

        assert before.copy().run(copied) == "meanwhile"


class TestRunning:
    """Whether an event loop runs."""

    def test_a_loop_runs_in_its_own_thread(self):
        """A loop is running only in its own thread, and only while it runs."""

        async def main():
            return loops.is_loop_running(), await loops.run_in_thread(loops.is_loop_running)

        assert not loops.is_loop_running()
        assert asyncio.run(main()) == (True, False)
        assert not loops.is_loop_running()

    def test_asyncio_may_be_half_imported(self, monkeypatch):
        """A thread that is still importing asyncio has no running loop."""
        monkeypatch.setitem(sys.modules, "asyncio", ModuleType("asyncio"))
        assert not loops.is_loop_running()
        monkeypatch.delitem(sys.modules, "asyncio")
        assert not loops.is_loop_running()
