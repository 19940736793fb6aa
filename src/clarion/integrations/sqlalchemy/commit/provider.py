"""The transaction provider of SQLAlchemy: which session a send belongs to."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.orm import object_session
from sqlalchemy.util import concurrency

from clarion.commit import Boundary, TransactionProvider
from clarion.integrations.sqlalchemy.aliases import alias_of
from clarion.integrations.sqlalchemy.async_sessions import async_session
from clarion.integrations.sqlalchemy.commit.bound import bound_sessions
from clarion.integrations.sqlalchemy.commit.boundary import SessionBoundary
from clarion.integrations.sqlalchemy.commit.sessions import engines_of, ignores_outer
from clarion.integrations.sqlalchemy.commit.snapshots import is_mapped
from clarion.integrations.sqlalchemy.commit.uncommitted import has_uncommitted
from clarion.integrations.sqlalchemy.model_signal import ModelSignal
from clarion.integrations.sqlalchemy.send import sending_session
from clarion.integrations.sqlalchemy.session_types import sync_session
from clarion.integrations.sqlalchemy.signals import (
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from clarion._core.signal import Signal
    from clarion.outbox import Database

T = TypeVar("T")

# The signals that a session sends of its objects. Those of new instances are sent without one.
_OF_ROWS: tuple[Signal, ...] = (pre_save, post_save, pre_delete, post_delete, m2m_changed)


class SessionProvider(TransactionProvider):
    """The provider of the session that a send belongs to.

    Args:
        attach: called to attach the listeners that run pending calls.
        databases: returns the databases with an outbox of the bound sessions.
        of_receivers: returns the database of an alias to which receivers write, or None.
    """

    def __init__(
        self,
        attach: Callable[[], None],
        databases: Callable[[], Sequence[Database]],
        of_receivers: Callable[[str | None], Database | None],
    ) -> None:
        self._attach = attach
        self._databases = databases
        self._of_receivers = of_receivers

    def install_listeners(self) -> None:
        """Attach the listeners of commits and rollbacks."""
        self._attach()

    def boundary_of_send(
        self, signal: Signal, arguments: dict[str, Any]
    ) -> tuple[Boundary, str] | None:
        """Return the session in the arguments, that of the instance, or the sending one."""
        given, instance = arguments.get("session"), arguments.get("instance")
        if given is not None and (session := sync_session(given)) is not None:
            return SessionBoundary(session), "the session it was sent with"
        if instance is not None and is_mapped(instance):
            session = object_session(instance)
            if session is not None:
                return SessionBoundary(session), "the session of its instance"
            # A receiver before this one may have expunged it.
            if signal in _OF_ROWS and (session := sending_session()) is not None:
                return SessionBoundary(session), "the session that sends it"
        if isinstance(signal, ModelSignal):
            for boundary in bound_sessions():
                return boundary, "the session that sends it"
        return None

    def default_transaction(self) -> str | None:
        """Return the name of a bound session that is in a transaction."""
        return next((each.name for each in bound_sessions() if each.is_open()), None)

    def uncommitted_keyword(self, arguments: dict[str, Any]) -> str | None:
        """Return the keyword whose object has changes that its session has not committed."""
        return next((name for name, each in arguments.items() if has_uncommitted(each)), None)

    def boundary_of_alias(self, alias: str) -> Boundary | None:
        """Return the innermost bound session on the engine of an alias."""
        for boundary in bound_sessions():
            if any(alias_of(engine) == alias for engine in engines_of(boundary.session)):
                return SessionBoundary(boundary.session, alias)
        return None

    def outbox_databases(self) -> Sequence[Database]:
        """Return the databases with an outbox to which the bound sessions write."""
        return self._databases()

    async def aoutbox_databases(self) -> Sequence[Database]:
        """Return the same, also those on the connection of an AsyncSession."""
        return await self._in_greenlet(self._databases)

    async def _in_greenlet(self, function: Callable[[], T]) -> T:
        """Call a function; in a greenlet if an AsyncSession is bound."""
        if not any(async_session(each.session) for each in bound_sessions()):
            return function()
        found: T = await concurrency.greenlet_spawn(function)
        return found

    def receiver_database(self, alias: str | None) -> Database | None:
        """Return the database of a bound session, or of the engine with this alias, or None."""
        return self._of_receivers(alias)

    async def areceiver_database(self, alias: str | None) -> Database | None:
        """Return the same, also that on the connection of an AsyncSession."""
        return await self._in_greenlet(partial(self._of_receivers, alias))

    @contextmanager
    def ignore_outer(self) -> Generator[None]:
        """Ignore the transactions that sessions have joined, inside the block."""
        before = ignores_outer.get()
        ignores_outer.set(True)
        try:
            yield
        finally:
            ignores_outer.set(before)
