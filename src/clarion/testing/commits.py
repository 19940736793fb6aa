"""commits: run receivers after commits inside a test whose transaction is rolled back."""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any, TypeVar, cast

from clarion._core.decorated import decorated
from clarion._core.unentered import Enterable
from clarion.commit import atomic_block
from clarion.commit.providers import providers

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

F = TypeVar("F", bound="Callable[..., Any]")


def commits() -> Commits:
    """Ignore the transactions that are open now.

    Inside the block, `on_commit` receivers run when the outermost transaction that began in the
    block ends, as if it was committed. Receivers of a savepoint that was rolled back do not run. A
    send outside such a transaction runs its receivers at once. If one receiver breaks a constraint,
    the queries of the others still work. At the end of the block, `drain` makes the
    stored deliveries and the calls of background receivers, which no engine gets: see `without_engines`.

    Use it with Django's `TestCase` and pytest-django's `db`, with SQLAlchemy sessions that
    have joined the transaction of a connection, and with `atomic()` blocks around a test:

        with commits():
            client.post("/orders/", {"item": "book"})
        assert len(mail.outbox) == 1

    In an async test, write `async with commits()`: `adrain` then makes the deliveries. It is also a
    decorator of sync and async functions.
    """
    return Commits()


class Commits(Enterable):
    """The block of `commits`, sync or async, and a decorator of functions."""

    def __init__(self) -> None:
        self._entered: list[ExitStack] = []
        self._aentered: list[AsyncExitStack] = []
        self.unentered = "commits()"

    def __call__(self, function: F) -> F:
        """Decorate a function: each call runs inside a block of its own.

        Raises:
            ArgumentError: if it is a class or a generator, whose body runs later.
        """
        self.unentered = None
        return cast("F", decorated(function, "commits()", Commits, Commits))

    def __enter__(self) -> Self:
        self.unentered = None
        with ExitStack() as stack:
            stack.enter_context(atomic_block.ignore_outer())
            for provider in providers():
                stack.enter_context(provider.ignore_outer())
            from clarion.testing.engines import without_engines  # late, as in `__exit__`

            stack.enter_context(without_engines())
            self._entered.append(stack.pop_all())
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        with self._entered.pop():
            if kind is None:
                # Late, because most programs have no durable receiver, and do not load the outbox.
                from clarion.testing.deliveries import make_all, outbox_databases

                make_all(outbox_databases() if _has_receivers() else [])

    async def __aenter__(self) -> Self:
        self.unentered = None
        async with AsyncExitStack() as stack:
            stack.enter_context(atomic_block.ignore_outer())
            for provider in providers():
                await stack.enter_async_context(provider.aignore_outer())
            from clarion.testing.engines import without_engines  # late, as in `__exit__`

            stack.enter_context(without_engines())
            self._aentered.append(stack.pop_all())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *error: object) -> None:
        async with self._aentered.pop():
            if kind is None:
                from clarion.testing.deliveries import amake_all, aoutbox_databases

                await amake_all(await aoutbox_databases() if _has_receivers() else [])


def _has_receivers() -> bool:
    from clarion.outbox.receivers import connected_receivers

    return bool(connected_receivers())
