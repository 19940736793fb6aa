"""Which transaction a send belongs to, by a written rule.

The first of these that applies is the send's boundary:

1. `on_commit(using="alias")`: the boundary of that alias.
2. What the send itself names: its `session=`, its `instance=` (the session that it is in, or
   the database that Django keeps it in), or the flush, save or bulk write that sends it. For
   Django's signals and models the send's `using=` comes first, and without an instance the
   database in which the sender, a model, is written.
3. Its `using="alias"`, if there is a boundary of that alias.
4. The innermost `atomic()` block or bound session of the context.
5. Django's default database, where Django is set up.
6. None: nothing is open.

If no transaction is open there, the receiver runs at once. The doors to the frameworks that a
program has loaded open by themselves, and tell of their boundaries.
"""

from __future__ import annotations

import sys
import warnings
from collections import deque
from contextlib import nullcontext
from contextvars import ContextVar
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from clarion.errors import BoundaryError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from contextlib import AbstractContextManager
    from typing import TypeVar

    from clarion._core.signal import Signal
    from clarion.commit.pending_call import PendingCall

    T = TypeVar("T")


class Boundary:
    """A place where transactions are begun and ended, as one door sees it.

    Attributes:
        name: what to call it, for people to read.
        has_sessions: whether a receiver may ask it for a session of its own.
    """

    name = "no transaction"
    has_sessions = False

    def is_open(self) -> bool:
        """Tell whether a transaction is open there now, in this thread or task."""
        return False

    def can_await(self) -> bool:
        """Tell whether async receivers can be awaited where that transaction is committed."""
        return False

    def after_commit(self, call: PendingCall) -> None:  # noqa: ARG002
        """Have a call made after the outermost commit of the open transaction.

        It is dropped if that transaction, or the savepoint that is open now, is rolled back.
        """
        raise BoundaryError(f"There is {self.name} to wait for. Ask is_open() first.")

    def take(self, call: PendingCall) -> bool:
        """Take a call that a `send` has due, if a transaction is open; tell whether it is."""
        if not self.is_open():
            return False
        self.after_commit(call)
        return True

    async def offer(self, call: PendingCall) -> bool:
        """Take a call that an `asend` has due, as `take`."""
        return self.take(call)

    def call(self, call: PendingCall) -> Any:
        """Call a sync receiver, when its time has come."""
        return call.receiver(**call.arguments())

    async def acall(self, call: PendingCall) -> Any:
        """Await an async receiver, when its time has come."""
        return await call.receiver(**call.arguments())

    def complete(self, call: PendingCall, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run what awaits an async receiver to completion, where sync code makes the commit."""
        return call.signal._complete(coroutine)


class TransactionProvider:
    """How a framework's transactions are found; derive from it, and enter it by `open_door`."""

    def listen(self) -> None:
        """Begin to hear of commits, for somebody is going to wait for them."""

    def of_send(self, signal: Signal, named: dict[str, Any]) -> tuple[Boundary, str] | None:  # noqa: ARG002
        """Return the boundary that a send names, and by what; None if that is not for this door."""
        return None

    def of_alias(self, alias: str) -> Boundary | None:  # noqa: ARG002
        """Return the boundary of an alias, or None."""
        return None

    def default_boundary(self) -> tuple[Boundary, str] | None:
        """Return the boundary of sends that name none, and why that; or None."""
        return None

    def ignore_outer(self) -> AbstractContextManager[object]:
        """Count what is open now as absent, inside a block (`clarion.testing.commits`)."""
        return nullcontext()


class ClosedProvider(TransactionProvider):
    """Stands in for a framework that is loaded but too old for its integration.

    A send that names a session, an instance or a model of the framework is refused. Other
    sends ignore the framework.

    Args:
        package: the framework's top-level package.
        error: why its integration cannot be used.
    """

    def __init__(self, package: str, error: MissingExtraError) -> None:
        self._package = package
        self._error = error

    def of_send(self, signal: Signal, named: dict[str, Any]) -> None:  # noqa: ARG002
        """Refuse a send that names an object of the framework.

        Raises:
            MissingExtraError: if the send names one.
        """
        if any(self._owns(named.get(name)) for name in ("session", "instance", "sender")):
            raise MissingExtraError(str(self._error), self._error.name, self._error.extra)

    def default_boundary(self) -> None:
        """Warn that a Django program's receivers do not wait for its default database."""
        conf = sys.modules.get(f"{self._package}.conf")
        if conf is not None and conf.settings.configured:
            warnings.warn(
                f"Receivers do not wait for the commit of Django's default database. {self._error}",
                RuntimeWarning,
                stacklevel=2,
            )

    def _owns(self, value: object) -> bool:
        kind = value if isinstance(value, type) else type(value)
        # A mapped class of SQLAlchemy 1.4 may have no base class of SQLAlchemy.
        state: object = getattr(value, "_sa_instance_state", None)
        classes = (*kind.__mro__, type(state))
        return any(each.__module__.partition(".")[0] == self._package for each in classes)


class BoundaryMatch(NamedTuple):
    """The boundary of a send, and by which part of the rule it is that."""

    boundary: Boundary
    reason: str


NOWHERE = BoundaryMatch(Boundary(), "nothing names one, and none is open in this context")

# The module of a framework, and of the door to it, which enters itself among the open ones.
_FRAMEWORKS = {
    "sqlalchemy.orm": "clarion.integrations.sqlalchemy.commit.boundary",
    "django.db": "clarion.integrations.django.commit.provider",
}
_met: set[str] = set()
_searched = 0  # how many modules there were when they were last looked for
_entered: deque[TransactionProvider] = deque()
_providers: list[TransactionProvider] = []


def register_provider(door: TransactionProvider) -> None:
    """Have a door asked from now on."""
    _entered.append(door)


def providers() -> list[TransactionProvider]:
    """Return the open doors; those of frameworks that have been loaded since open now."""
    global _searched  # noqa: PLW0603
    if len(sys.modules) != _searched:
        for framework, module in _FRAMEWORKS.items():
            if framework in sys.modules and framework not in _met:
                try:
                    import_module(module)
                except MissingExtraError as error:
                    # A program that only has the framework installed must not fail here.
                    register_provider(ClosedProvider(framework.partition(".")[0], error))
                _met.add(framework)
        _searched = len(sys.modules)
    while _entered:
        # Listening first: whoever finds the door can rely on it.
        _entered[0].listen()
        _providers.append(_entered.popleft())
    return _providers


class ActiveBoundary:
    """A boundary that is in force for the context that has entered it.

    Args:
        boundary: the boundary.
        alias: what `using=` may call it; None if that is not told.
    """

    def __init__(self, boundary: Boundary, alias: str | None = None) -> None:
        self.boundary = boundary
        self.alias = alias
        self._outer: ActiveBoundary | None = None
        self._is_over = False

    def enter(self) -> None:
        """Put it in force."""
        # Not one that is over, or those that end in other contexts would pile up.
        self._outer = next(active_boundaries(), None)
        _innermost.set(self)

    def leave(self) -> None:
        """Put what was in force before it in force again."""
        # Tasks that were started inside have a copy of the context, and a fixture may end
        # in another one than it began in: there, what ends it is that it is over.
        self._is_over = True
        if _innermost.get() is self:
            _innermost.set(self._outer)

    def outward(self) -> Iterator[ActiveBoundary]:
        """Yield this one and those around it that are not over, from the inside."""
        scope: ActiveBoundary | None = self
        while scope is not None:
            if not scope._is_over:
                yield scope
            scope = scope._outer


_innermost: ContextVar[ActiveBoundary | None] = ContextVar("clarion_scope", default=None)


def active_boundaries() -> Iterator[ActiveBoundary]:
    """Yield what is in force in this context, from the inside."""
    innermost = _innermost.get()
    return iter(()) if innermost is None else innermost.outward()


def is_innermost(boundary: Boundary) -> bool:
    """Tell whether a boundary is what this context has entered last."""
    innermost = _innermost.get()
    return innermost is not None and innermost.boundary is boundary


def resolve_boundary(
    signal: Signal, named: dict[str, Any], using: str | None = None
) -> BoundaryMatch:
    """Return the boundary of a send.

    Args:
        signal: the signal.
        named: the keywords of the send.
        using: the alias that the receiver insists on, if it does.

    Raises:
        BoundaryError: if nothing is known by that alias.
    """
    if using is not None:
        return BoundaryMatch(_required(using), f"the receiver said using={using!r}")
    asked = providers()
    for door in asked:
        if (told := door.of_send(signal, named)) is not None:
            return BoundaryMatch(*told)
    alias = named.get("using")
    if isinstance(alias, str) and (known := _known(alias)) is not None:
        return BoundaryMatch(known, f"it was sent using={alias!r}")
    if _innermost.get() is not None:
        for scope in active_boundaries():
            return BoundaryMatch(scope.boundary, "it is the innermost in this context")
    for door in asked:
        if (told := door.default_boundary()) is not None:
            return BoundaryMatch(*told)
    return NOWHERE


def _known(alias: str) -> Boundary | None:
    for scope in active_boundaries():
        if scope.alias == alias:
            return scope.boundary
    found = (door.of_alias(alias) for door in providers())
    return next((boundary for boundary in found if boundary is not None), None)


def _required(alias: str) -> Boundary:
    known = _known(alias)
    if known is None:
        raise BoundaryError(
            f"No transaction is known as {alias!r}, for which on_commit(using={alias!r}) is to wait. "
            f"Name a database of Django's, or an atomic(using={alias!r}) block around the send."
        )
    return known
