"""Decorate a function with a block, so that each call runs inside a new one."""

from __future__ import annotations

from functools import wraps

from clarion._core.names import name_of
from clarion._core.signatures import is_async, is_generator_function
from clarion.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from typing import Any


def decorated(
    function: Callable[..., Any],
    name: str,
    block: Callable[[], AbstractContextManager[object]],
    ablock: Callable[[], AbstractAsyncContextManager[object]] | None = None,
) -> Callable[..., Any]:
    """Wrap a function so that each call runs inside a new block.

    Args:
        function: the function to decorate, sync or async.
        name: the name of the block for the message, such as `muted()`.
        block: returns the block of a call.
        ablock: returns the block of a call of an async function; by default, `block` does.

    Raises:
        ArgumentError: if it is a class or a generator function, whose body runs later.
    """
    if isinstance(function, type) or is_generator_function(function):
        raise ArgumentError(
            f"{name} cannot decorate {name_of(function)}, because its body runs after the call, "
            f"when the block has ended. Use a with block in it."
        )
    if is_async(function) and ablock is not None:
        enter = ablock

        @wraps(function)
        async def run_in_async_block(*args: Any, **kwargs: Any) -> Any:
            async with enter():
                return await function(*args, **kwargs)

        return run_in_async_block
    if is_async(function):

        @wraps(function)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            with block():
                return await function(*args, **kwargs)

        return run_async

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with block():
            return function(*args, **kwargs)

    return run
