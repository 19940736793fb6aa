"""The thread's event loop at exit and in forked processes."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import clarion
from clarion._core import thread_loop


@pytest.fixture
def kept():
    """Return the loop that this thread keeps, made if need be."""
    thread_loop.complete(nothing())
    assert thread_loop._of_thread.loop is not None
    return thread_loop._of_thread.loop


async def nothing():
    """Do nothing."""


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
