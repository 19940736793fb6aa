"""A database whose deliveries are made on this thread's own connection, for tests.

A test of Django's `TestCase` never commits, so no other connection sees what it has stored.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction

from clarion.integrations.django.dispatch.policy import DJANGO
from clarion.integrations.django.outbox.connection import DjangoConnection
from clarion.integrations.django.outbox.database import DjangoDatabase, entered_in_thread
from clarion.integrations.django.outbox.vendors import is_supported
from clarion.outbox.database import ReceiverTransaction

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
    from contextlib import AbstractContextManager
    from typing import TypeVar

    T = TypeVar("T")


class OwnConnection(DjangoConnection):
    """This thread's connection, in the place of a worker's."""

    def transaction(self) -> AbstractContextManager[None]:
        """Return an atomic block, which is a savepoint inside the test's transaction."""
        block: Any = transaction.atomic(using=self.alias)
        return block

    def close(self) -> None:
        """Keep the connection, which is the test's."""


class OwnDatabase(DjangoDatabase):
    """A database of Django's, by this thread's connection."""

    def connect(self) -> OwnConnection:  # type: ignore[override]
        """Return this thread's connection."""
        return OwnConnection(self.alias)

    @contextmanager
    def serving_thread(self) -> Generator[None]:
        """Close nothing at the end of the block."""
        yield

    @contextmanager
    def transaction(self) -> Generator[ReceiverTransaction]:
        """Yield an atomic block on this thread's connection."""
        block: Any = transaction.atomic(using=self.alias)
        with block:
            yield ReceiverTransaction(DjangoConnection(self.alias))

    @asynccontextmanager
    async def serving_task(self) -> AsyncGenerator[None]:
        """Let async receivers use the test's connection too."""
        yield

    @asynccontextmanager
    async def atransaction(self) -> AsyncGenerator[ReceiverTransaction]:
        """Yield an atomic block on the test's connection, which asgiref finds."""
        async with entered_in_thread(self.transaction) as entered:
            yield entered

    async def acall_sync(self, function: Callable[[], T]) -> T:
        """Call a function in the thread whose connection the test uses."""
        return await DJANGO.run_in_thread(function)

    def run_coroutine(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine; its sync parts run in this thread."""
        return DJANGO.run_coroutine(coroutine)


def own_databases() -> list[OwnDatabase]:
    """Return the databases with an outbox to which this thread is connected."""
    return [
        OwnDatabase(connection.alias)
        for connection in connections.all(initialized_only=True)
        if connection.connection is not None and _has_outbox(connection)
    ]


def _has_outbox(connection: Any) -> bool:
    try:
        return (
            is_supported(connection) and "clarion_event" in connection.introspection.table_names()
        )
    except (AssertionError, RuntimeError):  # a TestCase or pytest-django forbids to use it
        return False
