"""The end of a block as a method that does not keep the block alive.

A signal handler may raise in the first step of `__exit__`, before any `try` of it. Python does not call it
again. The traceback then holds the frame of `__exit__`, and a usual method holds its object there, so the
block would stay open as long as the exception lives. This method has a weak reference there instead. So
Python frees the block when the exception leaves the `with` statement, which rolls it back.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Callable


class BlockEnd:
    """The attribute `__exit__` of a class of blocks, which keep their `Entered` in `_entered`."""

    def __get__(self, block: Any, owner: type) -> Callable[..., None]:
        """Return the function of a class, or the method of a block, which holds the block."""
        if block is None:
            return _end
        method: Any = partial(_end_found, ref(block))
        method.block = block  # `with` holds the method, and so the block
        return method  # type: ignore[no-any-return]


def _end(block: Any, *error: object) -> None:
    _end_found(lambda: block, *error)


def _end_found(find: Callable[[], Any], *error: object) -> None:
    block: Any = None
    entered: Any = None
    try:
        block = find()
        entered = block._entered  # noqa: SLF001
        assert entered is not None, "left before it was entered"  # noqa: S101
        entered.end(error)
        block._entered = None  # noqa: SLF001
    except BaseException as raised:
        if entered is not None:
            block._entered = None  # noqa: SLF001
            entered.interrupt(raised)
        raise
