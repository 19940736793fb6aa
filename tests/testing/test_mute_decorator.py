"""muted as a decorator."""

import asyncio
from inspect import iscoroutinefunction

import pytest

from clarion.errors import ArgumentError
from clarion.testing import muted
from tests.core.receivers import (
    Listener,
)
from tests.testing.muting import closed, heard, opened

pytestmark = pytest.mark.usefixtures("_two_receivers")


def test_decorated_function_runs_muted():
    """Each call; the function keeps its name and its result."""

    @muted(opened)
    def work(signal, *, times):
        """Work."""
        return heard(signal) * times

    assert work(opened, times=2) == []
    assert work(closed, times=2) == [2, 1, 2, 1]
    assert (work.__name__, work.__doc__) == ("work", "Work.")
    assert heard() == [2, 1]


def test_decorated_function_can_call_itself():
    """It is muted to the end, at any depth."""

    @muted(opened)
    def work(depth):
        return (work(depth - 1) if depth else []) + heard()

    assert work(3) == []
    assert heard() == [2, 1]


def test_decorated_coroutine_function_runs_muted():
    """Until it ends; other tasks are not muted."""

    @muted(opened)
    async def work():
        await asyncio.sleep(0)
        return heard()

    async def beside():
        await asyncio.sleep(0)
        return heard()

    async def main():
        return await asyncio.gather(work(), beside(), work())

    assert iscoroutinefunction(work)
    assert asyncio.run(main()) == [[], [2, 1], []]
    assert heard() == [2, 1]


def generator():
    """Yield nothing."""
    yield


async def async_generator():
    """Yield nothing."""
    yield


@pytest.mark.parametrize("function", [generator, async_generator, Listener])
def test_generator_or_class_is_refused(function):
    """Its body runs after the call."""
    with pytest.raises(ArgumentError, match=r"cannot decorate .* Use a with block in it\."):
        muted(opened)(function)
