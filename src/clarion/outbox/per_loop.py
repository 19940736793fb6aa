"""Objects that belong to one event loop, and are closed before it ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from clarion._core.fork import new_lock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable


class Closable(Protocol):
    """An object that is closed before its event loop ends."""

    async def aclose(self) -> None:
        """Release its connections and other resources."""
        ...


T = TypeVar("T", bound=Closable)


class PerLoop(Generic[T]):
    """One object for each event loop, made at its first use there.

    Args:
        make: makes the object of the loop that runs in this thread.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = new_lock()
        self._known: WeakKeyDictionary[asyncio.AbstractEventLoop, _Kept[T]] = WeakKeyDictionary()

    def get(self) -> T:
        """Return the object of the loop that runs in this thread."""
        loop = asyncio.get_running_loop()
        with self._lock:
            kept = self._known.get(loop)
        if kept is None:
            kept = _Kept(self._make(), self._forget)
            with self._lock:
                self._known[loop] = kept
        return kept.value

    def _forget(self) -> None:
        # What the object holds may refer to its loop, which would then never be freed.
        with self._lock:
            self._known.pop(asyncio.get_running_loop(), None)


class _Kept(Generic[T]):
    """The object of one event loop, until it ends."""

    def __init__(self, value: T, forget: Callable[[], object]) -> None:
        self.value = value
        self._forget = forget
        # A loop closes the async generators that have begun in it, before it ends.
        self._end = self._close_at_end()
        with suppress(StopIteration):  # how `send` returns what the generator yields
            begun: Any = self._end.__anext__()
            begun.send(None)

    async def _close_at_end(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self.value.aclose()
            self._forget()
