"""Blocks that are rolled back."""

from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from clarion.commit import atomic


class BoomError(Exception):
    """What leaves a block, and what receivers raise."""


@contextmanager
def rolled_back(connection: Any = None, **options: Any) -> Any:
    """Enter an atomic() block that an exception leaves in the end."""
    with refused(BoomError, "boom", connection, **options):
        yield
        raise BoomError("boom")


@asynccontextmanager
async def arolled_back(connection: Any = None, **options: Any) -> Any:
    """Enter one that is awaited."""
    async with arefused(BoomError, "boom", connection, **options):
        yield
        raise BoomError("boom")


@contextmanager
def refused(kind: Any, match: str, connection: Any = None, **options: Any) -> Any:
    """Enter an atomic() block that raises this in the end."""
    with pytest.raises(kind, match=match), atomic(connection, **options):
        yield


@asynccontextmanager
async def arefused(kind: Any, match: str, connection: Any = None, **options: Any) -> Any:
    """Enter one that is awaited."""
    with pytest.raises(kind, match=match):
        async with atomic(connection, **options):
            yield
