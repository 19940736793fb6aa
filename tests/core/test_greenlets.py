"""Greenlets and small thread pools behave as docs/how-to/sync-and-async.md says."""

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import pytest

from clarion import Signal

PROGRAM = """
import asyncio, contextvars
from clarion import Signal, on_commit
from clarion.commit import atomic
from clarion.errors import RunningLoopError

paid, calls = Signal(), []

async def receive(sender, **kwargs):
    await asyncio.sleep(0.05)

paid.connect(receive)

def send(call):
    try:
        call()
    except RunningLoopError:
        return "refused"
    return "sent"

direct = run([lambda: send(lambda: paid.send("web"))] * 3)
assert direct == ["sent", "refused", "refused"], direct
threads = run([lambda: send(lambda: in_thread(lambda: paid.send("web")))] * 3)
assert threads == ["sent"] * 3, threads

paid.disconnect(receive)
paid.connect(lambda sender, **kwargs: calls.append(sender), weak=False, delivery=on_commit)

def pay(order):
    try:
        with atomic():
            paid.send(order)
            sleep(0.01)  # the other greenlets are in their own blocks
            if order % 2:
                raise ValueError
    except ValueError:
        pass

run([lambda order=order: pay(order) for order in range(6)])
assert sorted(calls) == [0, 2, 4], calls
print("passed")
"""

LIBRARIES = {
    "gevent": """
from gevent import monkey; monkey.patch_all()
import gevent
sleep = gevent.sleep
in_thread = lambda function: gevent.get_hub().threadpool.apply(function)

def run(functions):
    return [each.get() for each in [gevent.spawn(function) for function in functions]]
""",
    "eventlet": """
import eventlet; eventlet.monkey_patch()
from eventlet import tpool
sleep = eventlet.sleep
in_thread = tpool.execute

def run(functions):
    return [each.wait() for each in [eventlet.spawn(function) for function in functions]]
""",
}


# AddressSanitizer, by which `make asan` checks memory.
copies_are_reported = pytest.mark.skipif(
    "libasan" in os.environ.get("LD_PRELOAD", ""),
    reason="greenlet copies the stack, which AddressSanitizer reports as an error",
)


@copies_are_reported
@pytest.mark.parametrize("library", LIBRARIES)
def test_greenlets_send_in_real_threads_and_have_their_own_blocks(library):
    """A second loop in a thread is refused, a real thread sends, and blocks are not mixed."""
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    command = [sys.executable, "-W", "ignore", "-c", LIBRARIES[library] + PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "passed\n", done.stderr


@pytest.mark.parametrize("cure", ["threads", "inline"])
def test_receivers_that_wait_for_another_send_need_threads(cure):
    """40 sends whose receivers wait for a send end with enough threads or inline receivers."""
    outer, inner = Signal(), Signal()
    inner.connect(lambda sender, **kwargs: 1, weak=False, inline=cure == "inline")

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(80 if cure == "threads" else 2))

        @outer.connect
        def wait(sender, **kwargs):
            return asyncio.run_coroutine_threadsafe(inner.asend("web"), loop).result()

        return await asyncio.gather(*(outer.asend("web") for _ in range(40)))

    assert len(asyncio.run(main())) == 40
