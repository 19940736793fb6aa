"""Receivers that run inside one another after commits, and when that is endless."""

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


def test_what_a_receiver_sends_runs_at_once_inside(signal, heard):
    """It is after the commit, so that what it sends is true; in a block of its own, at its end."""
    other = Signal()
    heard.listen(other, name="other")

    def again(n, **kwargs):
        if n == 1:
            other.send(None, n=2)
            with atomic():
                other.send(None, n=3)
                heard.append("in the block")
        heard.append("over")

    signal.connect(again, delivery=on_commit)
    with atomic():
        signal.send(None, n=1)
    assert heard == [1, ("other", 2), "in the block", ("other", 3), "over"]


@pytest.mark.parametrize("in_a_block", [False, True])
def test_a_circle_is_refused_and_named(in_a_block, log):
    """At a depth that no honest program has; the error names who goes round, in order."""
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
    where = f"{__name__}.test_a_circle_is_refused_and_named.<locals>"
    (error,) = {str(error) for error in errors}
    assert f"{where}.play of ping -> {where}.return_it of pong -> {where}.play of ping" in error
    assert "Break the cycle in one of them" in error
    assert len(log) == 1
    assert " failed " in log[0]


def test_an_awaited_circle_is_refused(log):
    """Under async with, too."""
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


def test_circles_that_double_are_refused_in_time(log):
    """Each of two has both run: that would be a million calls at this depth."""
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


def test_after_a_circle_all_is_as_before(log):
    """The next transaction knows nothing of it."""
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


def test_many_in_a_row_are_no_circle(signal, heard, log):
    """Depth is counted, not length."""

    def again(n, **kwargs):
        if n < 5:
            signal.send(None, n=n + 1)

    signal.connect(again, delivery=on_commit)
    with atomic():
        for _ in range(2 * MAX_DEPTH):
            signal.send(None, n=5)
        signal.send(None, n=0)
    assert heard.count(5) == 2 * MAX_DEPTH + 1
    assert len(log) == 0


def test_the_limit_is_far_from_the_interpreters(log):
    """With a dozen frames of the user's own at each step, under the default recursion limit."""
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


def test_a_task_that_outlives_its_receiver_is_not_inside(signal):
    """It may go on as long as it likes, one receiver starting the next; and it keeps nothing."""
    payloads, tasks, done = [], [], asyncio.Event()

    class Payload:
        """Something big."""

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
