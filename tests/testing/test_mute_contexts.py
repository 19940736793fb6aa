"""muted: which threads and tasks it applies to."""

import asyncio
import contextvars
import threading

import pytest

from clarion.testing import muted
from tests.core.receivers import (
    answers,
)
from tests.testing.muting import closed, heard, opened, two

pytestmark = pytest.mark.usefixtures("_two_receivers")


def test_other_thread_is_not_muted():
    """A thread that was started before the block."""
    entered, answered = threading.Event(), []

    def send():
        entered.wait()
        answered.append(heard())

    thread = threading.Thread(target=send)
    thread.start()
    with muted(opened, two):
        entered.set()
        thread.join()
        assert heard() == []
    assert answered == [[2, 1]]


def test_other_task_is_not_muted():
    """A task that was started before the block; those started inside are muted."""

    async def main():
        entered = asyncio.Event()

        async def beside():
            await entered.wait()
            return answers(await opened.asend(None))

        async def inside():
            await asyncio.sleep(0)
            return answers(await opened.asend(None))

        neighbour = asyncio.create_task(beside())
        await asyncio.sleep(0)
        with muted(opened):
            entered.set()
            return await neighbour, await asyncio.create_task(inside())

    assert asyncio.run(main()) == ([2, 1], [])


def test_task_that_runs_longer_than_the_block():
    """The mute ends with the block."""

    async def main():
        left = asyncio.Event()

        async def outlive():
            await left.wait()
            return heard()

        with muted(opened):
            task = asyncio.create_task(outlive())
            await asyncio.sleep(0)
        left.set()
        # Another block that mutes the same signal has no effect on it.
        with muted(opened):
            return await task

    assert asyncio.run(main()) == [2, 1]


def test_block_can_end_in_another_context():
    """As a fixture may; the receivers are called again."""
    mute = muted(opened)
    context = contextvars.copy_context()
    context.run(mute.__enter__)
    assert context.run(heard) == []
    with pytest.warns(RuntimeWarning, match="so it muted nothing there") as caught:
        mute.__exit__(None, None, None)
    assert [each.filename for each in caught] == [__file__]
    assert context.run(heard) == [2, 1]
    assert heard() == [2, 1]


def test_worker_thread_of_asend_is_muted():
    """It has the context of the sender."""

    def nested(**kwargs):
        return heard(closed)

    opened.connect(nested)
    with muted(closed):
        assert answers(asyncio.run(opened.asend(None))) == [2, 1, []]
