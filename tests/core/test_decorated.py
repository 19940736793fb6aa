"""Functions of which each call runs inside a new block."""

import asyncio
from contextlib import asynccontextmanager, contextmanager
from inspect import iscoroutinefunction

import pytest

from clarion._core.decorated import decorated
from clarion.errors import ArgumentError


class Blocks:
    """Blocks that note when they begin and end."""

    def __init__(self):
        self.notes = []

    @contextmanager
    def block(self):
        """Note the begin and the end."""
        self.notes.append("begin")
        try:
            yield
        finally:
            self.notes.append("end")

    @asynccontextmanager
    async def ablock(self):
        """Note the begin and the end of an async block."""
        self.notes.append("abegin")
        yield
        self.notes.append("aend")


@pytest.fixture
def blocks():
    """Return new blocks."""
    return Blocks()


def test_a_function_runs_inside_a_block(blocks):
    """Each call runs inside a block of its own, and its result and its error leave the block."""

    def divide(one, *, by):
        """Divide."""
        blocks.notes.append("call")
        return one / by

    function = decorated(divide, "block()", blocks.block)
    assert function(6, by=3) == 2
    with pytest.raises(ZeroDivisionError):
        function(6, by=0)
    assert blocks.notes == ["begin", "call", "end"] * 2
    assert (function.__name__, function.__doc__) == ("divide", "Divide.")


@pytest.mark.parametrize("is_async", [False, True])
def test_a_coroutine_runs_inside_a_block(blocks, is_async):
    """An async function is awaited inside its block, an async one if the block has that."""

    async def work():
        await asyncio.sleep(0)
        blocks.notes.append("call")
        return 1

    function = decorated(work, "block()", blocks.block, blocks.ablock if is_async else None)
    assert iscoroutinefunction(function)
    assert asyncio.run(function()) == 1
    assert blocks.notes == (["abegin", "call", "aend"] if is_async else ["begin", "call", "end"])


def generator():
    """Yield nothing."""
    yield


async def async_generator():
    """Yield nothing."""
    yield


@pytest.mark.parametrize("function", [generator, async_generator, Blocks])
def test_a_generator_or_class_is_refused(blocks, function):
    """A generator or a class is refused, because its body runs after the call."""
    with pytest.raises(
        ArgumentError, match=r"^block\(\) cannot decorate .* Use a with block in it\."
    ):
        decorated(function, "block()", blocks.block)
    assert blocks.notes == []
