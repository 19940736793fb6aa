"""How Django's transactions are found: by the alias of their database."""

from __future__ import annotations

from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import Model

from clarion._core.signal import Signal as ClarionSignal
from clarion.commit import TransactionProvider, register_provider
from clarion.integrations.django.commit.boundary import DjangoBoundary
from clarion.integrations.django.commit.ignore_outer import ignore_outer
from clarion.integrations.django.dispatch.policy import DJANGO, AsgirefPolicy
from clarion.policy import policy_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractContextManager

    from clarion._core.signal import Signal
    from clarion.commit import Boundary


class DjangoProvider(TransactionProvider):
    """The transactions of Django's databases."""

    def __init__(self) -> None:
        self._boundaries: dict[str, DjangoBoundary] = {}

    def boundary_of_send(
        self, signal: Signal, arguments: dict[str, Any]
    ) -> tuple[Boundary, str] | None:
        """Return the boundary of a Django signal or of a model's `instance`."""
        instance = arguments.get("instance")
        is_model = instance is not None and isinstance(instance, Model)
        if not (is_model or _is_djangos(signal)):
            return None
        using = arguments.get("using")
        if isinstance(using, str) and (boundary := self.boundary_of_alias(using)) is not None:
            return boundary, f"it was sent using={using!r}"
        if is_model:
            return self._of_instance(instance)
        sender = arguments.get("sender")
        if isinstance(sender, type) and issubclass(sender, Model):
            return self._boundary(router.db_for_write(sender)), "its sender is written there"
        return None

    def boundary_of_alias(self, alias: str) -> Boundary | None:
        """Return the boundary of a database in Django's settings."""
        boundary = self._boundaries.get(alias)
        if boundary is None and _is_in_settings(alias):
            return self._boundary(alias)
        return boundary

    def default_boundary(self) -> tuple[Boundary, str] | None:
        """Return the boundary of the default database, if there is one."""
        boundary = self.boundary_of_alias(DEFAULT_DB_ALIAS)
        return None if boundary is None else (boundary, "it is Django's default")

    def default_transaction(self) -> str | None:
        """Return the name of the default database, if the program has begun a transaction there."""
        if self.boundary_of_alias(DEFAULT_DB_ALIAS) is None:
            return None
        blocks = getattr(connections[DEFAULT_DB_ALIAS], "atomic_blocks", ())
        is_begun = any(not getattr(block, "_from_testcase", False) for block in blocks)
        return "Django's default database" if is_begun else None

    def outbox_databases(self) -> list[Any]:
        """Return the databases with an outbox to which this thread is connected."""
        # Late, because most programs have no durable receiver, and do not load the outbox.
        from clarion.integrations.django.outbox.own_connection import own_databases

        return list(own_databases())

    async def aoutbox_databases(self) -> list[Any]:
        """Return the databases with an outbox to which asgiref's thread is connected."""
        return await DJANGO.run_in_thread(self.outbox_databases)

    def receiver_database(self, alias: str | None) -> Any:
        """Return the database of an alias, or the default one; None if the settings lack it.

        In a transaction, it is that of this thread's connection: no other one sees what a `TestCase` has
        written, whose engines call receivers in this thread.
        """
        alias = alias or DEFAULT_DB_ALIAS
        if not _is_in_settings(alias):
            return None
        # Late, as in `outbox_databases`.
        from clarion.integrations.django.outbox.database import DjangoDatabase
        from clarion.integrations.django.outbox.own_connection import OwnDatabase

        kind = OwnDatabase if connections[alias].in_atomic_block else DjangoDatabase
        return kind(alias)

    def ignore_outer(self) -> AbstractContextManager[None]:
        """Ignore the atomic blocks that are open now, inside a block."""
        return ignore_outer()

    @asynccontextmanager
    async def aignore_outer(self) -> AsyncGenerator[None]:
        """Do the same in asgiref's thread too, whose connections an async test uses."""
        stack = ExitStack()
        await DJANGO.run_in_thread(partial(stack.enter_context, ignore_outer()))
        try:
            with ignore_outer():
                yield
        finally:
            await DJANGO.run_in_thread(stack.close)

    def _of_instance(self, instance: Any) -> tuple[Boundary, str]:
        if instance._state.db is not None:
            return self._boundary(instance._state.db), "its instance is stored there"
        alias = router.db_for_write(instance.__class__, instance=instance)
        return self._boundary(alias), "its instance will be saved there"

    def _boundary(self, alias: str) -> DjangoBoundary:
        if (boundary := self._boundaries.get(alias)) is None:
            boundary = self._boundaries.setdefault(alias, DjangoBoundary(alias))
        return boundary


def _is_djangos(signal: Signal) -> bool:
    """Return whether a signal is Django's own, or one of bulk writes."""
    return type(signal) is not ClarionSignal and isinstance(policy_of(signal), AsgirefPolicy)


def _is_in_settings(alias: str) -> bool:
    if not settings.configured:
        return False
    try:
        databases: Any = connections.settings
    except ImproperlyConfigured:  # no default database
        return False
    database = databases.get(alias)
    return database is not None and database["ENGINE"] != "django.db.backends.dummy"


register_provider(DjangoProvider())
