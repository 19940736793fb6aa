"""A block ends, whatever comes first in its end."""

import asyncio
import gc
import threading
import weakref
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import pytest

from clarion._core.block_end import AsyncBlock
from tests.commit.interrupts import InterruptedByTestError, attempts, records_of_clarion


class Entry:
    """What a block has entered: notes how it ended."""

    def __init__(self):
        self.ends = []

    def end(self, error):
        """End, or raise the error."""
        self.ends.append(error[0])

    async def aend(self, error):
        """End, as `end`."""
        await asyncio.sleep(0)
        self.end(error)

    def interrupt(self, error):
        """Note an interrupt before the end."""
        if not self.ends:
            self.ends.append("interrupted")

    async def ainterrupt(self, error):
        """Note it, as `interrupt`."""
        self.interrupt(error)


class Plain(AsyncBlock):
    """A block that keeps nothing but its entries."""

    def __init__(self):
        self.made = []

    def _enter(self):
        self.made.append(entry := Entry())
        self.keep(entry, depth=3)
        return self

    def __enter__(self):
        return self._enter()

    async def __aenter__(self):
        return self._enter()

    def ends(self):
        """Return how each entry ended."""
        return [entry.ends for entry in self.made]


def test_it_ends():
    """With the error that leaves the block, or with None."""
    block = Plain()
    with block as given:
        assert given is block
    with pytest.raises(ValueError, match="early"), block:
        raise ValueError("early")
    assert block.ends() == [[None], [ValueError]]


def test_nested_entries_of_one_block():
    """Each statement ends what it has entered."""
    block = Plain()
    with block:
        with block:
            pass
        assert block.ends() == [[], [None]]
    assert block.ends() == [[None], [None]]


def test_explicit_calls():
    """Code may call both methods itself; the last entry ends first."""
    block = Plain()
    block.__enter__()
    Plain.__enter__(block)
    block.__exit__(None, None, None)
    assert block.ends() == [[], [None]]
    Plain.__exit__(block, ValueError, ValueError(), None)
    assert block.ends() == [[ValueError], [None]]
    with pytest.raises(AssertionError, match="left before it was entered"):
        block.__exit__(None, None, None)


def test_what_an_explicit_call_returns():
    """None, or after an error something false; the arguments may be left out."""
    block, error = Plain(), ValueError()
    block.__enter__()
    block.__enter__()
    block.__enter__()
    leave: Any = block.__exit__
    assert leave() is None
    assert leave(None, None, None) is None
    assert not leave(ValueError, error, None)
    assert block.ends() == [[ValueError], [None], [None]]


def test_a_method_that_was_looked_up_before():
    """It may be kept for another call, or another block."""
    block, other = Plain(), Plain()
    method, function = block.__exit__, Plain.__exit__
    block.__enter__()
    other.__enter__()
    other.__exit__(None, None, None)
    block.__exit__(None, None, None)
    assert (block.ends(), other.ends()) == ([[None]], [[None]])
    with pytest.raises(AssertionError):
        method(None, None, None)
    with pytest.raises(AssertionError):
        function(other, None, None, None)


def test_a_method_that_is_only_looked_up():
    """It ends nothing when it is freed, and may be called again."""
    block = Plain()
    block.__enter__()
    block.__enter__()
    assert hasattr(block, "__exit__")
    method = block.__exit__
    assert block.ends() == [[], []]
    method(None, None, None)
    method(None, None, None)
    assert block.ends() == [[None], [None]]


def test_nothing_is_kept():
    """A block that has ended keeps no entry, and nothing keeps the block."""
    block = Plain()
    with block:
        pass
    freed = weakref.ref(block), weakref.ref(block.made.pop())
    del block
    assert [each() for each in freed] == [None, None]


def test_a_method_that_another_thread_still_looks_at():
    """It gets no entry after its end, although its holder lives longer."""
    block = Plain()
    leave = block.__exit__
    seen: Any = block.last_holder() if block.last_holder else None
    block.__enter__()
    leave(None, None, None)
    del leave
    block.__enter__()
    del seen
    block.__exit__(None, None, None)
    assert block.ends() == [[None], [None]]


def test_two_threads_that_choose_the_same_entry():
    """Each of them ends one."""
    both = threading.Barrier(2, timeout=10)

    class Chosen(Plain):
        def choose(self, entries):
            if len(entries) == 2:
                both.wait()
            return super().choose(entries)

    block = Chosen()
    block.__enter__()
    block.__enter__()
    threads = [threading.Thread(target=block.__exit__, args=(None, None, None)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert block.ends() == [[None], [None]]
    assert not block.entries


def test_an_exit_stack():
    """It calls the function of the class, also if it was given the block later."""
    block, entered = Plain(), Plain()
    with ExitStack() as stack:
        stack.enter_context(block)
        stack.enter_context(block)
        stack.push(entered.__enter__())
    assert block.ends() == [[None], [None]]
    assert entered.ends() == [[None]]


def test_async_statements():
    """As the sync ones."""

    async def main():
        block = Plain()
        async with block, AsyncExitStack() as stack:
            await stack.enter_async_context(block)
            await asyncio.gather(*(enter(block) for _ in range(3)))
        await block.__aenter__()
        await block.__aexit__(None, None, None)
        with pytest.raises(ValueError, match="early"):
            async with block:
                raise ValueError("early")
        return block.ends()

    async def enter(block):
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(block)
            await asyncio.sleep(0)

    assert asyncio.run(main()) == [[None]] * 6 + [[ValueError]]


def with_statement(block, interrupt):
    """Enter by `with`."""
    with block:
        interrupt.start()


def exit_stack(block, interrupt):
    """Enter by ExitStack."""
    with ExitStack() as stack:
        stack.enter_context(block)
        interrupt.start()


def run(coroutine):
    """Run a coroutine that never waits, without a loop."""
    with pytest.raises(StopIteration):
        while True:
            coroutine.send(None)


def async_statement(block, interrupt):
    """Enter by `async with`."""

    async def main():
        async with block:
            interrupt.start()

    run(main())


def async_exit_stack(block, interrupt):
    """Enter by AsyncExitStack."""

    async def main():
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(block)
            interrupt.start()

    run(main())


@pytest.mark.parametrize("program", [with_statement, exit_stack, async_statement, async_exit_stack])
def test_an_interrupt_at_each_point(program):
    """The entry ends once, although the exception and the block are kept."""
    kept, made = [], []

    def keep(interrupt):
        made.append(block := Plain())
        try:
            program(block, interrupt)
        except InterruptedByTestError as error:
            kept.append(error)
        finally:
            interrupt.stop()

    with records_of_clarion():
        points = list(attempts(keep, InterruptedByTestError))
        if "stack" in program.__name__:
            # An interrupt in the stack itself: the entry ends when the stack is freed.
            kept.clear()
            gc.collect()
    assert len(points) > 5
    for block, point in zip(made, points, strict=True):
        assert block.ends() in ([[None]], [["interrupted"]]), point.where
