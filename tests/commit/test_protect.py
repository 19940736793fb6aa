"""Coroutines that a cancellation does not interrupt."""

import asyncio

import pytest

from clarion.commit import protect
from clarion.commit.protect import run_to_end


def test_cancellation_waits_for_the_end():
    """The coroutine ends normally; then its caller is cancelled, even if it was twice."""
    ended = []

    async def work():
        for _ in range(5):
            await asyncio.sleep(0)
        ended.append(True)

    async def main():
        task = asyncio.create_task(run_to_end(work()))
        for _ in range(3):
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(main())
    assert ended == [True]


def test_cancellation_does_not_wait_for_long(monkeypatch):
    """After the grace period the cancellation reaches the coroutine."""
    monkeypatch.setattr(protect, "GRACE", 0.01)

    async def main():
        task = asyncio.create_task(run_to_end(asyncio.Event().wait()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()

    asyncio.run(main())


def test_error_is_raised():
    """An error of the coroutine is raised as by an await."""

    async def fail():
        await asyncio.sleep(0)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        asyncio.run(run_to_end(fail()))
