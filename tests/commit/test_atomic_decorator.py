"""atomic() as a decorator of functions."""

import asyncio

import pytest

from clarion.commit import atomic
from clarion.errors import ArgumentError
from tests.commit.failing import BoomError

pytestmark = pytest.mark.usefixtures("_plain_python")


def test_sync_function(signal, calls):
    """Each call of a decorated function is a block of its own, also inside itself."""

    @atomic()
    def place(n):
        """Place an order."""
        signal.send(None, n=n)
        if n:
            place(n - 1)
        assert calls == []
        return n

    assert place(1) == 1
    assert calls == [1, 0]
    assert place.__doc__ == "Place an order."


def test_async_function(signal, calls):
    """Concurrent calls have blocks of their own, and an error rolls back only its own."""

    @atomic()
    async def place(n):
        await signal.asend(None, n=n)
        await asyncio.sleep(0)
        if n == 1:
            raise BoomError

    async def main():
        await asyncio.gather(*(place(n) for n in range(3)), return_exceptions=True)

    asyncio.run(main())
    assert sorted(calls) == [0, 2]


def test_a_function_is_no_connection():
    """`@atomic` without a call is refused, because the function would be the connection."""
    with pytest.raises(
        ArgumentError, match=r"write @atomic\(\) or @atomic\(connection\)"
    ) as raised:

        @atomic
        def place(): ...

    assert raised.value.names == ("connection",)


def test_generators_are_refused():
    """Generators are refused, because their body runs after the call."""

    def generate():
        yield

    with pytest.raises(ArgumentError, match="Use a with block in it"):
        atomic()(generate)
