"""The event loop of a thread at exit and in forked processes."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import clarion


def run(program):
    """Run a program that sends, without any warning; return its output."""
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
    """The exit of a process, and forks."""

    def test_exit_is_silent(self):
        """Loops of the main thread and of others raise nothing at exit."""
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
        """Handlers that run at exit may send."""
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
    def test_a_fork_has_its_own_loop(self):
        """A child does not use its parent's loop, and both can send."""
        program = """
        mine = loop_of(signal.send(None))
        child = os.fork()
        if not child:
            theirs = loop_of(signal.send(None))
            print("other" if theirs is not mine else "same", flush=True)
            sys.exit()
        os.waitpid(child, 0)
        print("own_loop" if loop_of(signal.send(None)) is mine else "lost")
        """
        assert run(textwrap.dedent(self.FORKS) + textwrap.dedent(program)) == ["other", "own_loop"]

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
    def test_a_fork_does_not_disturb_other_threads(self):
        """A thread of the parent continues with its loop after a fork."""
        program = """
        def work():
            mine = loop_of(signal.send(None))
            ready.set()
            forked.wait()
            print("own_loop" if loop_of(signal.send(None)) is mine else "lost")

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
        assert run(textwrap.dedent(self.FORKS) + textwrap.dedent(program)) == ["own_loop"]
