"""A database of Django with an outbox, for a worker.

    Worker(DjangoDatabase("default")).run()

The worker claims and settles on connections of its own, in autocommit mode. Receivers use Django's
connections of their thread, as in a request.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager, nullcontext
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction

from clarion._core.names import quoted_name
from clarion.errors import ArgumentError
from clarion.integrations.django.dispatch.policy import DJANGO
from clarion.integrations.django.outbox.connection import AsyncDjangoConnection, DjangoConnection
from clarion.integrations.django.outbox.kept_connections import (
    close_old_outside_blocks,
    end_call,
    end_failed_call,
    is_serving,
    serve,
)
from clarion.integrations.django.outbox.notes import migrate_cure
from clarion.integrations.django.outbox.task_threads import TASK_THREADS
from clarion.integrations.django.outbox.vendors import dialect_of
from clarion.outbox.connection import DbapiConnection
from clarion.outbox.database import ReceiverTransaction

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from contextlib import AbstractContextManager


class DjangoWorkerConnection(DbapiConnection):
    """A connection of the worker's own to a database of Django's.

    Args:
        wrapper: a connection of Django's that nothing else uses.
    """

    def __init__(self, wrapper: Any) -> None:
        wrapper.inc_thread_sharing()  # the worker's threads take it in turn
        wrapper.ensure_connection()
        super().__init__(wrapper.connection, dialect_of(wrapper))
        self._wrapper = wrapper

    def close(self) -> None:
        """Close the connection."""
        self._wrapper.close()


class DjangoDatabase:
    """A database in Django's settings, for a `Worker`.

    A receiver is called in `transaction.atomic(using=alias)` if it has `effects="same database"`, or
    if its send names rows of models. Other receivers are called in autocommit mode.

    Args:
        alias: the name of the database in Django's settings.

    Attributes:
        alias: the name.
        name: how messages name it.
        dialect: the kind of database.
        provides: nothing, because receivers find Django's connections themselves.

    Raises:
        ArgumentError: if Django's settings do not have it.
        BoundaryError: if the outbox has no statements for this kind of database.
    """

    provides: tuple[str, ...] = ()

    def __init__(self, alias: str = "default") -> None:
        databases: Any = connections.settings
        if alias not in databases:
            raise ArgumentError(
                f"DjangoDatabase was given {quoted_name(alias)}, which DATABASES does not have. Give "
                f"the alias of a database.",
                ["alias"],
            )
        self.alias = alias
        self.name = f"Django's database {quoted_name(alias)}"
        self.dialect = dialect_of(connections[alias])

    @property
    def tables_cure(self) -> str:
        """How the database gets the tables of the outbox."""
        return migrate_cure(self.alias)

    def connect(self) -> DjangoWorkerConnection:
        """Open a connection with Django's settings, in autocommit mode."""
        wrapper: Any = connections[self.alias].copy()
        settings = wrapper.settings_dict = deepcopy(wrapper.settings_dict)
        settings["AUTOCOMMIT"] = True
        # A pool may have too few connections for the worker and the receivers.
        (settings.get("OPTIONS") or {}).pop("pool", None)
        return DjangoWorkerConnection(wrapper)

    def listening(self, wake: Callable[[], object]) -> AbstractContextManager[None]:
        """Call a function after commits that store deliveries, while the block runs.

        PostgreSQL sends notifications through psycopg 3.2 or later, if the tables were created with
        `manage.py outbox create --notify`. The connection for them is not one of a pool.

        Args:
            wake: the function, called in another thread. It must return at once.
        """
        if self.dialect != "postgresql":
            return nullcontext()
        from clarion.worker.notifications import listening

        driver: Any = connections[self.alias].Database
        return listening(driver, self.connect, wake, self.name)

    @contextmanager
    def serving_thread(self) -> Generator[None]:
        """Keep this thread's connections open in the block, and close them at its end.

        Without it, each transaction follows CONN_MAX_AGE, as a request does.
        """
        serve()
        try:
            yield
        finally:
            serve(is_serving=False)
            connections.close_all()

    def end_call(self) -> None:
        """Close the connections of this thread that the next receiver must not get.

        Raises:
            BoundaryError: if the receiver has left a transaction open.
        """
        end_call()

    def end_failed_call(self) -> None:
        """Do the same after a receiver that has raised."""
        end_failed_call()

    @contextmanager
    def transaction(self) -> Generator[ReceiverTransaction]:
        """Yield an atomic block on this thread's connection, in which a receiver is called."""
        # A thread that serves ends each call itself.
        if not is_serving():
            close_old_outside_blocks()
        try:
            block: Any = transaction.atomic(using=self.alias)
            with block:
                yield ReceiverTransaction(DjangoConnection(self.alias))
        except BaseException:
            end_failed_call()
            raise
        finally:
            if not is_serving():
                close_old_outside_blocks()
        end_call()

    @asynccontextmanager
    async def atransaction(self) -> AsyncGenerator[ReceiverTransaction]:
        """Yield an atomic block in a thread of its own, in which an async receiver is awaited.

        Django's async queries, and functions by `sync_to_async`, run in this thread. So receivers that
        are awaited at the same time do not share a connection. The next call uses the thread again.
        """
        async with TASK_THREADS.thread(), entered_in_thread(self.transaction) as entered:
            yield entered

    @asynccontextmanager
    async def serving_task(self) -> AsyncGenerator[None]:
        """Give the block a thread for Django's queries, as `atransaction`, without a transaction."""
        async with TASK_THREADS.thread():
            yield

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.alias}>"


@asynccontextmanager
async def entered_in_thread(make: Callable[[], Any]) -> AsyncGenerator[ReceiverTransaction]:
    """Enter and leave a transaction in the thread for sync code, for an async receiver."""
    manager = await DJANGO.run_in_thread(make)
    entered: Any = await DJANGO.run_in_thread(manager.__enter__)
    connection = AsyncDjangoConnection(entered.connection)
    try:
        yield ReceiverTransaction(connection, run_sync=DJANGO.run_in_thread)
    except BaseException as error:
        leave = partial(manager.__exit__, type(error), error, error.__traceback__)
        await DJANGO.run_in_thread(leave)
        raise
    await DJANGO.run_in_thread(partial(manager.__exit__, None, None, None))
