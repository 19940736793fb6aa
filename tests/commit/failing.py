"""atomic() blocks that end with an exception."""

from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from clarion.commit import atomic


class BoomError(Exception):
    """The exception that blocks and receivers raise."""


@contextmanager
def rolled_back(connection: Any = None, **options: Any) -> Any:
    """Enter an atomic() block that raises at its end."""
    with refused(BoomError, "boom", connection, **options):
        yield
        raise BoomError("boom")


@asynccontextmanager
async def arolled_back(connection: Any = None, **options: Any) -> Any:
    """Enter an async block that raises at its end."""
    async with arefused(BoomError, "boom", connection, **options):
        yield
        raise BoomError("boom")


@contextmanager
def refused(kind: Any, match: str, connection: Any = None, **options: Any) -> Any:
    """Enter an atomic() block, and expect this exception."""
    with pytest.raises(kind, match=match), atomic(connection, **options):
        yield


@asynccontextmanager
async def arefused(kind: Any, match: str, connection: Any = None, **options: Any) -> Any:
    """Enter an async block, and expect this exception."""
    with pytest.raises(kind, match=match):
        async with atomic(connection, **options):
            yield
