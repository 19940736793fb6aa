"""What belongs to an event loop ends with it."""

import asyncio

from clarion.outbox.per_loop import PerLoop


class Kept:
    """An object that notes in which loop it was closed."""

    def __init__(self):
        self.made_in = asyncio.get_running_loop()
        self.closed_in = None

    async def aclose(self):
        await asyncio.sleep(0)
        self.closed_in = asyncio.get_running_loop()


def test_each_loop_has_one_object():
    """It is closed in its loop, before that ends."""
    kept = PerLoop(Kept)

    async def main():
        first = kept.get()
        await asyncio.sleep(0)
        assert kept.get() is first
        assert first.closed_in is None
        return first

    first, second = asyncio.run(main()), asyncio.run(main())
    assert first is not second
    assert first.closed_in is first.made_in is not second.made_in
    assert second.closed_in is second.made_in
