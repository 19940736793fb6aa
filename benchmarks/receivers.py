"""The sender and the receivers of every case: receivers that do nothing, or that count.

All libraries get the same ones. A harness that times nothing is a common mistake, so
each case is first built with receivers that count their calls, checked, and built
anew with these, which do nothing.
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
    """Make receivers that count for as long as this lasts; yield what they count into."""
    global _tally  # noqa: PLW0603 - so that a case cannot tell a check from a timing
    calls: Tally = []
    _tally = calls
    try:
        yield calls
    finally:
        _tally = None


def plain(count: int) -> list[Receiver]:
    """Make so many functions, each another."""
    return [_plain(_tally) for _ in range(count)]


def methods(count: int) -> list[Receiver]:
    """Make so many bound methods, each of another object, which lives as long as it."""
    shop = _shop(_tally)
    return [shop().receive for _ in range(count)]


def saved(count: int) -> list[Receiver]:
    """Make so many functions that hear of the saves of Django's models."""
    return [_saved(_tally) for _ in range(count)]


def instances(count: int) -> list[Receiver]:
    """Make so many functions that hear of the saves and deletes of SQLAlchemy's models."""
    return [_instance(_tally) for _ in range(count)]


def immediate(count: int) -> list[Receiver]:
    """Make so many coroutine functions that never suspend."""
    return [_immediate(_tally) for _ in range(count)]


def sleeping(count: int) -> list[Receiver]:
    """Make so many coroutine functions that let the event loop go round once."""
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
    import asyncio  # here, because what counts instructions pays for every import

    async def quiet(sender: Any, order_id: int, amount: int, **others: Any) -> None:
        await asyncio.sleep(0)

    async def counted(sender: Any, order_id: int, amount: int, **others: Any) -> None:
        await asyncio.sleep(0)
        assert calls is not None
        calls.append(None)

    return quiet if calls is None else counted
