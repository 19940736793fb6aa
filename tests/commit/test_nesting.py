"""Receivers whose sends run other receivers after commits, in a cycle or not."""

import asyncio
import gc
import weakref
from traceback import walk_stack

import pytest

from clarion import Signal, on_commit
from clarion.commit import atomic
from clarion.commit.nesting import MAX_DEPTH
from clarion.errors import EndlessCommitError
from tests.commit.conftest import counts

pytestmark = pytest.mark.usefixtures("_plain_python")


def test_send_inside_a_receiver_runs_at_once(signal, calls):
    """A send in a receiver runs its receivers at once, or at the end of its own block."""
    other = Signal()
    calls.listen(other, name="other")

    def again(n, **kwargs):
        if n == 1:
            other.send(None, n=2)
            with atomic():
                other.send(None, n=3)
                calls.append("in the block")
        calls.append("over")

    signal.connect(again, delivery=on_commit)
    with atomic():
        signal.send(None, n=1)
    assert calls == [1, ("other", 2), "in the block", ("other", 3), "over"]


@pytest.mark.parametrize("in_a_block", [False, True])
def test_cycle_is_refused(in_a_block, log):
    """A cycle of receivers is refused; the error names them in order."""
    ping, pong, calls, errors = Signal(name="ping"), Signal(name="pong"), [], []

    def send(signal):
        calls.append(signal)
        try:
            if in_a_block:
                with atomic():
                    signal.send(None)
            else:
                signal.send(None)
        except EndlessCommitError as error:
            errors.append(error)
            raise

    def play(**kwargs):
        send(pong)

    def return_it(**kwargs):
        send(ping)

    ping.connect(play, delivery=on_commit)
    pong.connect(return_it, delivery=on_commit)
    with atomic():
        ping.send(None)
    assert len(calls) == MAX_DEPTH
    where = f"{__name__}.test_cycle_is_refused.<locals>"
    (error,) = {str(error) for error in errors}
    assert f"{where}.play of ping -> {where}.return_it of pong -> {where}.play of ping" in error
    assert "Break the cycle in one of them" in error
    assert len(log) == 1
    assert " failed " in log[0]


def test_async_cycle_is_refused(log):
    """A cycle of async receivers under `async with` is refused."""
    ping, calls = Signal(name="ping"), []

    async def play(**kwargs):
        calls.append(1)
        async with atomic():
            await ping.asend(None)

    ping.connect(play, delivery=on_commit)

    async def main():
        async with atomic():
            await ping.asend(None)

    asyncio.run(main())
    assert len(calls) == MAX_DEPTH
    assert len(log) == 1


def test_cycles_that_double_are_refused_early(log):
    """Two receivers that send to both are refused before they make a million calls."""
    ping, calls = Signal(name="ping"), []

    def make():
        def play(**kwargs):
            calls.append(1)
            ping.send_robust(None)
            ping.send_robust(None)

        return play

    ping.connect(make(), delivery=on_commit)
    ping.connect(make(), delivery=on_commit)
    with atomic():
        ping.send(None)
    assert len(calls) < 4 * MAX_DEPTH


def test_refusal_ends_with_the_outermost_call(log):
    """A refusal does not affect the next transaction."""
    ping, calls = Signal(name="ping"), []

    def play(n, **kwargs):
        calls.append(n)
        if n:
            ping.send(None, n=n)

    ping.connect(play, delivery=on_commit)
    for _ in range(2):
        calls.clear()
        ping.send(None, n=1)
        assert len(calls) == MAX_DEPTH
    ping.send(None, n=0)
    assert calls[-1] == 0


def test_many_calls_in_a_row_are_accepted(signal, calls, log):
    """Many calls in a row are accepted, because only the depth is limited."""

    def again(n, **kwargs):
        if n < 5:
            signal.send(None, n=n + 1)

    signal.connect(again, delivery=on_commit)
    with atomic():
        for _ in range(2 * MAX_DEPTH):
            signal.send(None, n=5)
        signal.send(None, n=0)
    assert calls.count(5) == 2 * MAX_DEPTH + 1
    assert len(log) == 0


def test_limit_is_below_the_recursion_limit(log):
    """The limit is below Python's, even with a dozen frames of user code per receiver."""
    ping = Signal(name="ping")
    depths: list[int] = []

    def deep(frames):
        if frames:
            deep(frames - 1)
        else:
            depths.append(len(list(walk_stack(None))))
            with atomic():
                ping.send(None)

    def play(**kwargs):
        deep(12)

    ping.connect(play, delivery=on_commit)
    ping.send(None)
    assert len(depths) == MAX_DEPTH
    assert depths[-1] - depths[0] < 700
    assert counts(ping)["failed"] == 1


def test_task_of_a_receiver_is_not_nested(signal):
    """A task that continues after its receiver is not nested, and keeps no arguments alive."""
    payloads, tasks, done = [], [], asyncio.Event()

    class Payload:
        """A large object."""

    async def work(n):
        await asyncio.sleep(0)
        if n == 2 * MAX_DEPTH:
            done.set()
        else:
            await signal.asend(None, n=n + 1, payload=Payload())

    async def again(n, payload, **kwargs):
        payloads.append(weakref.ref(payload))
        tasks.append(asyncio.create_task(work(n)))

    signal.connect(again, delivery=on_commit)

    async def main():
        await signal.asend(None, n=1, payload=Payload())
        await done.wait()
        await asyncio.gather(*tasks)
        gc.collect()
        assert [there() for there in payloads] == [None] * 2 * MAX_DEPTH

    asyncio.run(main())
