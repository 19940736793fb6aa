"""Calls after the commit of Django's databases, by Django's own `on_commit`.

Each pending call is one callback of the connection. So savepoints, nesting, tests that capture
callbacks and the order beside the application's own hooks are Django's.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction

from clarion._core.loops import is_loop_running
from clarion.commit import Boundary, run_at_once
from clarion.errors import TransactionError
from clarion.integrations.django.commit.autocommit import is_inside
from clarion.integrations.django.commit.callbacks import Callback, callback_for
from clarion.integrations.django.commit.outcomes import watch_commit
from clarion.integrations.django.commit.savepoints import watch_savepoints
from clarion.integrations.django.commit.snapshots import arguments_of, keep_instances
from clarion.integrations.django.dispatch.policy import DJANGO

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
    from contextlib import AbstractContextManager
    from typing import TypeVar

    from clarion.commit import PendingCall
    from clarion.integrations.django.outbox.connection import (
        AsyncDjangoConnection,
        DjangoConnection,
    )

    T = TypeVar("T")


class DjangoBoundary(Boundary):
    """One of Django's databases, through the connection that this thread has to it.

    Args:
        alias: its name in Django's settings.
    """

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.name = f"Django's database {alias!r}"

    def is_open(self) -> bool:
        """Return whether this thread's connection has a block open or autocommit off."""
        return _is_open(connections[self.alias])

    def can_await(self) -> bool:
        """Return whether no event loop runs in this thread, which will commit."""
        return not is_loop_running()

    def add_call(self, call: PendingCall) -> None:
        """Register a callback with this thread's connection.

        Raises:
            TransactionError: if autocommit is off and no atomic block is open. Django refuses
                callbacks there.
        """
        self._register(connections[self.alias], call)

    def schedule(self, call: PendingCall) -> bool:
        """Register a callback and return True, if a transaction is open."""
        connection = connections[self.alias]
        if is_open := _is_open(connection):
            self._register(connection, call)
        return is_open

    def _register(self, connection: Any, call: PendingCall) -> None:
        keep_instances(call)
        if not connection.in_atomic_block:
            raise TransactionError(
                f"{self.name} has autocommit off and no atomic block is open, so Django does not "
                f"report the commit. Send inside transaction.atomic()."
            )
        watch_savepoints(connection)
        watch_commit(connection)
        callback = Callback(call) if call.key is None else callback_for(connection, call)
        connection.on_commit(callback, robust=True)

    async def aschedule(self, call: PendingCall) -> bool:
        """Schedule or run a call in the connection's thread; return whether it did."""
        if self.schedule(call):  # in the event loop's own thread, which Django can be made to allow
            return True
        taken: bool = await DJANGO.run_in_thread(partial(self._schedule_or_run, call))
        return taken

    def _schedule_or_run(self, call: PendingCall) -> bool:
        if self.schedule(call):
            return True
        if call.registration.is_async or call.registration.inline:
            return False
        run_at_once(call)  # this thread holds the caller's connections
        return True

    def call_receiver(self, call: PendingCall) -> Any:
        """Call a sync receiver after the commit."""
        if call.boundary_data is None and not (call.merged or call.bound.requests_sends):
            return call.receiver(**call.call_arguments())
        return call.receiver(**arguments_of(call))

    async def acall_receiver(self, call: PendingCall) -> Any:
        """Await an async receiver after the commit."""
        return await call.receiver(**arguments_of(call))

    def receiver_savepoint(self) -> AbstractContextManager[object]:
        """Return a savepoint: an atomic block inside the open one."""
        block: Any = transaction.atomic(using=self.alias) if self.is_open() else nullcontext()
        return block

    @asynccontextmanager
    async def areceiver_savepoint(self) -> AsyncGenerator[None]:
        """Set a savepoint in the thread that holds the connection."""
        async with _entered_in_thread(self.receiver_savepoint):
            yield

    def write_connection(self) -> AbstractContextManager[DjangoConnection]:
        """Yield this thread's connection; without a transaction, begin a short one.

        If the block raises, the open transaction cannot be committed any more, so no part of a
        delivery is stored.
        """
        connection: Any = connections[self.alias]
        if connection.in_atomic_block and is_inside(connection):
            joined: AbstractContextManager[DjangoConnection] = (
                _connection_module().JoinedConnection(connection)
            )
            return joined
        return self._short_transaction()

    @contextmanager
    def _short_transaction(self) -> Generator[DjangoConnection]:
        # No savepoint, as in `Model.save`: a send executes no statement except its own.
        block: Any = transaction.atomic(using=self.alias, savepoint=False)
        with block:
            yield _connection_module().DjangoConnection(self.alias)

    @asynccontextmanager
    async def awrite_connection(
        self,
    ) -> AsyncGenerator[DjangoConnection | AsyncDjangoConnection]:
        """Yield the connection of asgiref's thread for sync code, as `write_connection`."""
        if self.is_open():  # in the event loop's own thread, which Django can be made to allow
            with self.write_connection() as own:
                yield own
            return
        async with _entered_in_thread(self.write_connection) as connection:
            yield _connection_module().AsyncDjangoConnection(connection)

    def run_coroutine(self, call: PendingCall, coroutine: Coroutine[Any, Any, T]) -> T:  # noqa: ARG002
        """Run a coroutine through asgiref, for any signal, with this thread's connections."""
        return DJANGO.run_coroutine(coroutine)


def _connection_module() -> Any:
    # Late, because most programs have no durable receiver, and do not load the outbox.
    from clarion.integrations.django.outbox import connection

    return connection


@asynccontextmanager
async def _entered_in_thread(make: Callable[[], Any]) -> AsyncGenerator[Any]:
    """Enter and leave a context manager in the thread that holds the connection."""
    manager = await DJANGO.run_in_thread(make)
    entered = await DJANGO.run_in_thread(manager.__enter__)
    try:
        yield entered
    except BaseException as error:
        leave = partial(manager.__exit__, type(error), error, error.__traceback__)
        await DJANGO.run_in_thread(leave)
        raise
    await DJANGO.run_in_thread(partial(manager.__exit__, None, None, None))


def _is_open(connection: Any) -> bool:
    if connection.in_atomic_block:
        return is_inside(connection)
    return not _has_autocommit(connection)


def _has_autocommit(connection: Any) -> bool:
    # connection.get_autocommit() would connect.
    if connection.connection is None:
        return bool(connection.settings_dict["AUTOCOMMIT"])
    return bool(connection.autocommit)
