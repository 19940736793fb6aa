"""After the commit of Django's databases, by Django's own `on_commit`.

Each call that is due is one callback of the connection's. So savepoints, nesting, what tests
capture, and the order beside the hooks that the application has registered are Django's.
"""

from __future__ import annotations

import sys
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary, ref

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import Model
from django.dispatch import Signal as DjangoSignal

from clarion._core.loops import is_loop_running
from clarion._core.names import name_of
from clarion._core.signal import Signal as ClarionSignal
from clarion.commit.boundary import Boundary, TransactionProvider, register_provider
from clarion.errors import TransactionError
from clarion.integrations.django.commit import ignore_outer
from clarion.integrations.django.dispatch import methods

if TYPE_CHECKING:
    from collections.abc import Coroutine, Hashable, Iterator
    from contextlib import AbstractContextManager
    from typing import TypeVar

    from clarion._core.signal import Signal
    from clarion.commit.pending_call import PendingCall

    T = TypeVar("T")


class DjangoBoundary(Boundary):
    """One of Django's databases, by way of the connection that this thread has to it.

    Args:
        alias: what Django's settings call it.
    """

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.name = f"Django's database {alias!r}"

    def is_open(self) -> bool:
        """Tell whether this thread's connection is in an atomic block, or never commits by itself."""
        return _is_open(connections[self.alias])

    def can_await(self) -> bool:
        """Tell whether no event loop runs in this thread, which will be the one to commit."""
        return not is_loop_running()

    def after_commit(self, call: PendingCall) -> None:
        """Register a callback with this thread's connection.

        Raises:
            TransactionError: if its transactions are managed by hand, as Django refuses it.
        """
        self._register(connections[self.alias], call)

    def take(self, call: PendingCall) -> bool:
        """Take a call that a `send` has due, if a transaction is open; tell whether it is."""
        connection = connections[self.alias]
        if is_open := _is_open(connection):
            self._register(connection, call)
        return is_open

    def _register(self, connection: Any, call: PendingCall) -> None:
        instance = call._named.get("instance")
        if instance is not None and isinstance(instance, Model):
            call.kept = instance.__dict__.copy()
        if not connection.in_atomic_block:
            raise TransactionError(
                f"Nobody tells when {self.name} is committed, for autocommit is off and its "
                f"transaction is managed by hand. Send inside transaction.atomic()."
            )
        connection.on_commit(_callback(connection, call), robust=True)

    async def offer(self, call: PendingCall) -> bool:
        """Take a call in the thread whose connection it is; tell whether that was done."""
        if self.take(call):  # in the event loop's own thread, which Django allows if it must
            return True
        taken: bool = await methods._run_in_thread(None, partial(self._take_or_run, call))
        return taken

    def _take_or_run(self, call: PendingCall) -> bool:
        if self.take(call):
            return True
        if call.registration.is_async or call.registration.inline:
            return False
        call.run_at_once()  # here it finds its connections
        return True

    def call(self, call: PendingCall) -> Any:
        """Call a sync receiver, when its time has come."""
        if call.kept is None and not call.bound.requests_sends:
            return call.receiver(**call._named)
        return call.receiver(**_arguments(call))

    async def acall(self, call: PendingCall) -> Any:
        """Await an async receiver, when its time has come."""
        return await call.receiver(**_arguments(call))

    def complete(self, call: PendingCall, coroutine: Coroutine[Any, Any, T]) -> T:
        """Await a receiver Django's way, whoever's signal it is: it finds this thread's connections."""
        return methods._complete(call.signal, coroutine)


def _is_open(connection: Any) -> bool:
    if connection.in_atomic_block:
        return ignore_outer.is_inside(connection)
    return not _commits_by_itself(connection)


def _commits_by_itself(connection: Any) -> bool:
    # Asking Django would connect.
    if connection.connection is None:
        return bool(connection.settings_dict["AUTOCOMMIT"])
    return bool(connection.autocommit)


def _arguments(call: PendingCall) -> dict[str, Any]:
    """Return what the receiver is called with; of what was deleted meanwhile, as it was."""
    arguments = call.arguments()
    if not call.bound.requests_sends:
        if call.kept is not None:
            _mend(arguments, call.kept)
        return arguments
    for sent, each in zip(arguments["sends"], (*call.earlier, call), strict=True):
        if each.kept is not None:
            _mend(sent, each.kept)
    return {**arguments["sends"][-1], "sends": arguments["sends"]}


def _mend(named: dict[str, Any], kept: dict[str, Any]) -> None:
    instance: Any = named["instance"]
    if instance._is_pk_set():
        return
    before = instance.__class__.__new__(instance.__class__)
    before.__dict__.update(kept)
    if before._is_pk_set():
        before._state = copy(before._state)
        before._state.fields_cache = before._state.fields_cache.copy()
        named["instance"] = before


class Callback:
    """What Django calls after the commit, and forgets at a rollback.

    Nobody else holds it: one that was rolled back dies, and with it the call that was due.
    """

    __slots__ = ("__weakref__", "_call", "_receiver")

    def __init__(self, call: PendingCall) -> None:
        self._receiver = call.receiver
        self._call: PendingCall | None = call

    def take(self) -> PendingCall | None:
        """Return the call and be done with it; None if that was done before."""
        call, self._call = self._call, None
        return call

    def __call__(self) -> None:
        """Call the receiver, unless that was done before."""
        call = self.take()
        if call is not None:
            call.run()

    def __del__(self) -> None:
        if self._call is not None:
            self._call.drop()

    def __repr__(self) -> str:
        return f"<on_commit callback of {name_of(self._receiver)}>"


class MergedCallback(Callback):
    """One of several that have the same key, of which the first that is called runs for all.

    Which of them were rolled back nobody is told. But Django holds those that were not, and
    the group holds none: who is still alive when the first is called will be called, too.
    """

    __slots__ = ("_group", "_place")

    def __init__(self, call: PendingCall, group: Group) -> None:
        super().__init__(call)
        self._group = group
        self._place = len(group.members)
        group.members.append(ref(self))

    def take(self) -> PendingCall | None:
        """Return one call for this one's and all that come after it."""
        call = super().take()
        if call is not None:
            for other in self._group.after(self._place):
                if (later := Callback.take(other)) is not None:
                    later.merge(call)
                    call = later
        return call


class Group:
    """The callbacks of one connection that are merged by one key, in order, held weakly."""

    __slots__ = ("__weakref__", "members")

    def __init__(self) -> None:
        self.members: list[ref[MergedCallback]] = []

    def after(self, place: int) -> Iterator[MergedCallback]:
        """Yield those alive that were registered after this place."""
        for member in self.members[place + 1 :]:
            if (callback := member()) is not None:
                yield callback


# By connection and key. A group is held by its callbacks, and goes with the last of them.
_groups: WeakValueDictionary[tuple[Any, Hashable], Group] = WeakValueDictionary()


def _callback(connection: Any, call: PendingCall) -> Callback:
    if call.key is None:
        return Callback(call)
    return MergedCallback(call, _groups.setdefault((connection, call.key), Group()))


class DjangoProvider(TransactionProvider):
    """How Django's transactions are found: by the alias of their database."""

    def __init__(self) -> None:
        self._boundaries: dict[str, DjangoBoundary] = {}

    def of_send(self, signal: Signal, named: dict[str, Any]) -> tuple[Boundary, str] | None:
        """Return the boundary of a signal of Django's, or of an `instance` that is a model."""
        instance = named.get("instance")
        is_model = instance is not None and isinstance(instance, Model)
        if not (is_model or _is_djangos(signal)):
            return None
        using = named.get("using")
        if isinstance(using, str) and (boundary := self.of_alias(using)) is not None:
            return boundary, f"it was sent using={using!r}"
        if is_model:
            return self._of_instance(instance)
        sender = named.get("sender")
        if isinstance(sender, type) and issubclass(sender, Model):
            return self._boundary(router.db_for_write(sender)), "its sender is written there"
        return None

    def of_alias(self, alias: str) -> Boundary | None:
        """Return the boundary of a database that the settings know by this alias."""
        boundary = self._boundaries.get(alias)
        if boundary is None and _is_known(alias):
            return self._boundary(alias)
        return boundary

    def default_boundary(self) -> tuple[Boundary, str] | None:
        """Return the boundary of the default database, if there is one."""
        boundary = self.of_alias(DEFAULT_DB_ALIAS)
        return None if boundary is None else (boundary, "it is Django's default")

    def ignore_outer(self) -> AbstractContextManager[None]:
        """Count the atomic blocks around a test as absent."""
        return ignore_outer.ignore_outer()

    def _of_instance(self, instance: Any) -> tuple[Boundary, str]:
        if instance._state.db is not None:
            return self._boundary(instance._state.db), "its instance is kept there"
        alias = router.db_for_write(instance.__class__, instance=instance)
        return self._boundary(alias), "its instance is to be written there"

    def _boundary(self, alias: str) -> DjangoBoundary:
        if (boundary := self._boundaries.get(alias)) is None:
            boundary = self._boundaries.setdefault(alias, DjangoBoundary(alias))
        return boundary


def _is_djangos(signal: object) -> bool:
    if type(signal) is ClarionSignal:
        return False
    if isinstance(signal, DjangoSignal):
        return True
    # Whoever does not listen to bulk writes does not load what tells of them.
    kind = getattr(
        sys.modules.get("clarion.integrations.django.orm.bulk_signals"), "BulkSignal", None
    )
    return kind is not None and isinstance(signal, kind)


def _is_known(alias: str) -> bool:
    if not settings.configured:
        return False
    try:
        databases: Any = connections.settings
    except ImproperlyConfigured:  # there is no default
        return False
    known = databases.get(alias)
    return known is not None and known["ENGINE"] != "django.db.backends.dummy"


register_provider(DjangoProvider())
