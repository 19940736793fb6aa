"""The coroutines of an event loop use sync connections one after the other."""

import asyncio
import gc
import weakref

from clarion.outbox.turns import Turns


def test_one_coroutine_at_a_time():
    """Each waits until the block of the other one has ended."""
    turns, steps = Turns(), []

    async def use(name):
        async with turns.turn():
            steps.append(name)
            await asyncio.sleep(0)
            steps.append(name)

    async def main():
        await asyncio.gather(*[use(name) for name in "abc"])

    asyncio.run(main())
    assert steps == list("aabbcc")


def test_loops_do_not_wait_for_each_other():
    """A turn belongs to its loop, and keeps no loop alive."""
    turns = Turns()

    async def main(inner):
        async with turns.turn():
            await asyncio.to_thread(inner)
        await asyncio.gather(*[wait() for _ in range(2)])
        return weakref.ref(asyncio.get_running_loop())

    async def wait():
        async with turns.turn():
            await asyncio.sleep(0)

    loops = []
    loops.append(asyncio.run(main(lambda: loops.append(asyncio.run(main(bool))))))
    gc.collect()
    assert [each() for each in loops] == [None, None]
