"""Savepoints around the receivers of a send inside an `atomic()` block."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from clarion.commit.atomic_block import atomic
from clarion.commit.drivers.choose import driver_for
from clarion.errors import BoundaryError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from clarion.commit.atomic_block import AtomicBlock


class _SavepointOf(atomic):
    """A savepoint of one block, whichever block is the innermost."""

    def __init__(self, block: AtomicBlock) -> None:
        super().__init__()
        self._block = block

    def _outer(self) -> AtomicBlock:
        return self._block


def check_block(block: AtomicBlock) -> None:
    """Refuse a sync send inside a transaction of an async connection.

    Raises:
        BoundaryError: if it is one.
    """
    if block.is_open() and driver_for(block.connection).is_async:
        raise BoundaryError(f"The savepoints of {block.name} are awaited. Use asend_robust().")


@contextmanager
def block_savepoint(block: AtomicBlock) -> Generator[None]:
    """Return a savepoint in the innermost block of a transaction, if it is open."""
    if not block.is_open():
        yield
        return
    driver = driver_for(block.connection)
    with _SavepointOf(block.innermost()):
        yield
        driver.check_not_aborted()  # by an error that the receiver has hidden


@asynccontextmanager
async def ablock_savepoint(block: AtomicBlock) -> AsyncGenerator[None]:
    """Return an async context manager, as `block_savepoint`."""
    if not (block.is_open() and block.is_awaited):
        with block_savepoint(block):
            yield
        return
    driver: Any = driver_for(block.connection)
    async with _SavepointOf(block.innermost()):
        yield
        if driver.is_async:
            await driver.acheck_not_aborted()
