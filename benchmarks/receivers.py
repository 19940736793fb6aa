"""The sender and the receivers of every case: receivers that do nothing, or that count.

All libraries get the same ones. A common mistake of benchmarks is that no receiver is
called. So each case is first built with receivers that count their calls, and checked. It is
then built again with receivers that do nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Receiver = Callable[..., Any]
    Tally = list[None]


class Order:
    """The sender."""


_tally: Tally | None = None


@contextmanager
def counting() -> Iterator[Tally]:
    """Make counting receivers inside the block; yield the list of their calls."""
    global _tally  # noqa: PLW0603 - a case must not depend on whether it is checked or timed
    calls: Tally = []
    _tally = calls
    try:
        yield calls
    finally:
        _tally = None


def plain(count: int) -> list[Receiver]:
    """Make `count` different functions."""
    return [_plain(_tally) for _ in range(count)]


def methods(count: int) -> list[Receiver]:
    """Make `count` bound methods of different objects; a method keeps its object alive."""
    shop = _shop(_tally)
    return [shop().receive for _ in range(count)]


def saved(count: int) -> list[Receiver]:
    """Make `count` functions that receive the saves of Django's models."""
    return [_saved(_tally) for _ in range(count)]


def instances(count: int) -> list[Receiver]:
    """Make `count` functions that receive the saves and deletes of SQLAlchemy's models."""
    return [_instance(_tally) for _ in range(count)]


def immediate(count: int) -> list[Receiver]:
    """Make `count` coroutine functions that never suspend."""
    return [_immediate(_tally) for _ in range(count)]


def sleeping(count: int) -> list[Receiver]:
    """Make `count` coroutine functions that suspend for one iteration of the event loop."""
    return [_sleeping(_tally) for _ in range(count)]


def _plain(calls: Tally | None) -> Receiver:
    def quiet(sender: Any, order_id: int, amount: int, **others: Any) -> None:
        pass

    def counted(sender: Any, order_id: int, amount: int, **others: Any) -> None:
        assert calls is not None
        calls.append(None)

    return quiet if calls is None else counted


def _saved(calls: Tally | None) -> Receiver:
    def quiet(sender: Any, instance: Any, created: bool, **others: Any) -> None:
        pass

    def counted(sender: Any, instance: Any, created: bool, **others: Any) -> None:
        assert calls is not None
        calls.append(None)

    return quiet if calls is None else counted


def _instance(calls: Tally | None) -> Receiver:
    def quiet(sender: Any, instance: Any, **others: Any) -> None:
        pass

    def counted(sender: Any, instance: Any, **others: Any) -> None:
        assert calls is not None
        calls.append(None)

    return quiet if calls is None else counted


def _shop(calls: Tally | None) -> type[Any]:
    class Quiet:
        def receive(self, sender: Any, order_id: int, amount: int, **others: Any) -> None:
            pass

    class Counted:
        def receive(self, sender: Any, order_id: int, amount: int, **others: Any) -> None:
            assert calls is not None
            calls.append(None)

    return Quiet if calls is None else Counted


def _immediate(calls: Tally | None) -> Receiver:
    async def quiet(sender: Any, order_id: int, amount: int, **others: Any) -> None:
        pass

    async def counted(sender: Any, order_id: int, amount: int, **others: Any) -> None:
        assert calls is not None
        calls.append(None)

    return quiet if calls is None else counted


def _sleeping(calls: Tally | None) -> Receiver:
    import asyncio  # here, because every import slows the counting of instructions

    async def quiet(sender: Any, order_id: int, amount: int, **others: Any) -> None:
        await asyncio.sleep(0)

    async def counted(sender: Any, order_id: int, amount: int, **others: Any) -> None:
        await asyncio.sleep(0)
        assert calls is not None
        calls.append(None)

    return quiet if calls is None else counted
