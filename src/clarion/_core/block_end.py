"""The end of a block as a method that an interrupt cannot prevent.

A signal handler may raise in the first step of `__exit__`, before any `try` of it, and Python does not
call it again. The block would stay open. So these methods are generators, which wait inside a `try` since
before the block began. Code in C resumes them: `max` gives each of its arguments to a function, and no
handler runs before the first call.
"""

# `with` calls both methods from one frame, which shows that they belong together.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import sys
from functools import partial
from itertools import repeat
from types import coroutine
from weakref import ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator, Sequence
    from typing import Any, Protocol

    Errors = tuple[Any, Any, Any]
    _Reference = ref["Holder"] | None

    class Entry(Protocol):
        """One entry of a block."""

        def end(self, error: Errors) -> None:
            """End it, as `__exit__`."""

        def interrupt(self, error: BaseException) -> None:
            """End it after an interrupt, unless `end` has done so."""

    class AsyncEntry(Entry, Protocol):
        """One entry of an async block."""

        async def aend(self, error: Errors) -> None:
            """End it, as `__aexit__`."""

        async def ainterrupt(self, error: BaseException) -> None:
            """End it after an interrupt, unless `aend` has done so."""


class Holder:
    """What one `with` statement has entered. Only the method holds it, and so the statement.

    Attributes:
        block: the block; None if it is not entered.
        entry: the entry of the block.
        frame: the id of the frame that has looked the method up; 0 at the end of the method.
    """

    __slots__ = ("__weakref__", "block", "entry", "frame")

    def __init__(self, frame: object) -> None:
        self.block: Any = None
        self.entry: Any = None
        self.frame = id(frame)


class _End:
    """A method that ends a block.

    Attributes:
        last_holder: a reference to the holder of the last function of the class, for `ExitStack`.
    """

    def __init__(self) -> None:
        self.last_holder: _Reference = None

    def prepare(self, ending: Any, block: Any, frame: object) -> Any:
        """Return a generator that waits for the arguments, inside its `try`."""
        holder = Holder(frame)
        made = ending(holder, block, has_block=block is None)
        next(made)
        (self if block is None else block).last_holder = ref(holder)
        return made


class _NoArguments(tuple[None, ...]):
    """The first argument of `max`, which takes the arguments of a call without any from it.

    It is false, so `with` raises the error that leaves the block.
    """

    __slots__ = ()

    def __iter__(self) -> Iterator[None]:
        return repeat(None, 4)


_NO_ARGUMENTS = _NoArguments()


class BlockEnd(_End):
    """The attribute `__exit__` of `Block`."""

    def __get__(self, block: Any, owner: type) -> Callable[..., None]:
        """Return the method of a block. The function of a class takes the block, too."""
        made = self.prepare(_ending, block, sys._getframe(1))
        # After an error, `max` returns its first argument, because the generator yields equal numbers.
        return partial(max, _NO_ARGUMENTS, key=made.send)


class AsyncBlockEnd(_End):
    """The attribute `__aexit__` of `AsyncBlock`."""

    def __get__(self, block: Any, owner: type) -> Callable[..., Coroutine[Any, Any, None]]:
        """Return the method of a block, as `BlockEnd`."""
        made = self.prepare(_aending, block, sys._getframe(1))
        return partial(max, made, key=made.send)


_end, _aend = BlockEnd(), AsyncBlockEnd()


class Block:
    """The base of a block that ends although its end is interrupted. `__enter__` calls `enter` or `keep`.

    Attributes:
        last_holder: a reference to the holder of the method that was last looked up.
        holders: references to the holders of its entries, which leave the list when they die.
        entries: the entries without a holder, because other code has called `__enter__`.
    """

    # Several threads may change the lists of one block, so a change is one call of a function in C.
    last_holder: _Reference = None
    holders: Sequence[_Reference] = ()
    entries: Sequence[Any] = ()

    if TYPE_CHECKING:

        def __exit__(self, *error: object) -> None: ...

    else:
        __exit__ = _end

    def enter(self, entry: Entry, begin: Callable[[], object], depth: int = 3) -> None:
        """Keep an entry and begin it; interrupt and forget it if that fails.

        Args:
            entry: the entry.
            begin: what begins it.
            depth: how many frames further out the `with` statement is.
        """
        try:
            self.keep(entry, depth)
            begin()
        except BaseException as error:
            entry.interrupt(error)
            self.drop(entry)
            raise

    def keep(self, entry: Any, depth: int = 2) -> None:
        """Give an entry to the `with` statement. Call it in `__enter__`, which the statement calls.

        Args:
            entry: the entry.
            depth: how many frames further out the statement is.
        """
        frame = id(sys._getframe(depth))
        for holder in _alive((self.last_holder, _end.last_holder, _aend.last_holder)):
            if holder.block is None and holder.frame == frame:
                holder.block, holder.entry = self, entry
                holders = self.__dict__.setdefault("holders", [])
                holders.append(ref(holder, holders.remove))
                return
        self.__dict__.setdefault("entries", []).append(entry)

    def drop(self, entry: Any) -> None:
        """Forget an entry, because the block could not be entered."""
        self._remove(entry)
        for holder in _alive(self.holders):
            if holder.entry is entry:
                holder.entry = None

    def take(self) -> Any:
        """Return the entry that a call of `__exit__` ends whose method holds none."""
        while entries := tuple(self.entries):
            entry = self.choose(entries)
            if self._remove(entry):
                return entry
        held = {each.entry: each for each in _alive(self.holders) if each.entry is not None}
        if not held:
            raise AssertionError("left before it was entered")
        entry = self.choose(tuple(held))
        held[entry].entry = None
        return entry

    def _remove(self, entry: Any) -> bool:
        """Remove an entry without a holder; return False if another thread has taken it."""
        try:
            self.__dict__["entries"].remove(entry)
        except (KeyError, ValueError):
            return False
        return True

    def choose(self, entries: tuple[Any, ...]) -> Any:
        """Return the one of several entries that a call in this context ends."""
        return entries[-1]


class AsyncBlock(Block):
    """The base of a block for `with` and `async with`."""

    if TYPE_CHECKING:

        async def __aexit__(self, *error: object) -> None: ...

    else:
        __aexit__ = _aend


def _ending(holder: Holder, block: Any, *, has_block: bool) -> Generator[int, Any, None]:
    """Wait for the arguments of `max`, and end the entry in the last step.

    `max` sends its own first argument, then the block if it is called as a function of the class, then the
    type, the value and the traceback of the error.
    """
    entry: Any = None
    error: Errors | None = None
    try:
        yield 0
        while True:  # code may call the method again
            if has_block:
                block = yield 0
            error = (yield 0), (yield 0), (yield 0)
            entry = _entry_of(holder, block)
            entry.end(error)
            is_normal = error[0] is None
            holder.entry = holder.block = entry = error = None
            yield is_normal  # then `max` returns the last argument, None
    except BaseException as raised:
        if (entry := entry or _interrupted(holder, block, raised)) is not None:
            entry.interrupt(raised)
        raise
    finally:
        holder.entry = holder.block = block = entry = error = None  # an error holds this frame
        holder.frame = 0  # another thread may still look at the holder


@coroutine
def _aending(holder: Holder, block: Any, *, has_block: bool) -> Generator[Any, Any, None]:
    """Wait as `_ending`. `max` returns this generator, and the statement awaits it as a coroutine."""
    entry: Any = None
    error: Errors | None = None
    try:
        yield 0
        if has_block:
            block = yield 0
        error = (yield 0), (yield 0), (yield 0)
        yield 0  # it is not awaited yet
        entry = _entry_of(holder, block)
        yield from entry.aend(error)
    except GeneratorExit as raised:
        if (entry := entry or holder.entry) is not None:
            entry.interrupt(raised)
        raise
    except BaseException as raised:
        if (entry := entry or _interrupted(holder, block, raised)) is not None:
            yield from entry.ainterrupt(raised)
        raise
    finally:
        holder.entry = holder.block = block = entry = error = None
        holder.frame = 0


def _alive(references: Iterable[_Reference]) -> list[Holder]:
    """Return the holders that still exist."""
    # The references of a block may change meanwhile.
    return [
        holder
        for reference in tuple(references)
        if reference is not None and (holder := reference()) is not None
    ]


def _interrupted(holder: Holder, block: Any, raised: BaseException) -> Any:
    """Return the entry that was not found yet, or None."""
    if holder.entry is not None:
        return holder.entry
    if block is None or isinstance(raised, GeneratorExit):
        return None  # without a call: the method was only looked up
    return block.take() if block.entries else None


def _entry_of(holder: Holder, block: Any) -> Any:
    """Return the entry of the statement, or one that other code has entered."""
    return block.take() if holder.block is not block or holder.entry is None else holder.entry
