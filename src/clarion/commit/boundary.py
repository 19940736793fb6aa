"""Boundaries: where transactions begin and end, and which of them the context is in."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from clarion._core.tabled import policy_of
from clarion.errors import BoundaryError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Coroutine, Iterator, Mapping
    from contextlib import AbstractContextManager
    from typing import TypeVar

    from clarion.commit.pending_call import PendingCall

    T = TypeVar("T")


class Boundary:
    """A place where transactions begin and end: a session, a database, a connection.

    A subclass defines `is_open` and `add_call` at least. It keeps the calls that it is given,
    and gives them to `run_calls` after the commit, or to `drop_calls` after a rollback.

    Attributes:
        name: how messages and `Scheduled` name it.
        has_sessions: whether it can give a receiver a session.
        adds: the names of other arguments that `call_receiver` adds.
    """

    name = "no transaction"
    has_sessions = False
    adds: Collection[str] = ()

    def gives_session(self, *, is_async: bool) -> bool:  # noqa: ARG002
        """Return whether it can give a session to a receiver, sync or async."""
        return self.has_sessions

    def is_open(self) -> bool:
        """Return whether a transaction is open there now, in this thread or task."""
        return False

    def can_await(self) -> bool:
        """Return whether the code that commits there can await async receivers."""
        return False

    def add_call(self, call: PendingCall) -> None:  # noqa: ARG002
        """Keep a call until the open transaction ends.

        It runs after the outermost commit. It is dropped if that transaction, or the savepoint
        that is open now, is rolled back.

        Raises:
            BoundaryError: if no transaction is open.
        """
        raise BoundaryError(f"There is {self.name} to wait for. Call is_open() first.")

    def schedule(self, call: PendingCall) -> bool:
        """Add the call of a `send` if a transaction is open.

        Returns:
            Whether one is. If not, the send makes the call at once.
        """
        if not self.is_open():
            return False
        self.add_call(call)
        return True

    async def aschedule(self, call: PendingCall) -> bool:
        """Add the call of an `asend` if a transaction is open, as `schedule`."""
        return self.schedule(call)

    def call_receiver(self, call: PendingCall) -> Any:
        """Call a sync receiver, after the commit or at once; return its response.

        Override it to pass a session, or other arguments than those of the send.
        """
        return call.receiver(**call.call_arguments())

    async def acall_receiver(self, call: PendingCall) -> Any:
        """Await an async receiver, as `call_receiver`."""
        return await call.receiver(**call.call_arguments())

    def check_savepoint(self) -> None:
        """Refuse a sync send whose savepoints have to be awaited.

        Raises:
            BoundaryError: if they have to be.
        """

    def receiver_savepoint(self) -> AbstractContextManager[object]:
        """Return a savepoint of the open transaction, for `clarion.commit.savepoints`.

        Without an open transaction, return a context manager that does nothing.

        Raises:
            BoundaryError: if a transaction is open. A subclass overrides this.
        """
        if self.is_open():
            raise BoundaryError(
                f"No savepoint can be set in {self.name}. Its integration has to define "
                f"Boundary.receiver_savepoint()."
            )
        return nullcontext()

    @asynccontextmanager
    async def areceiver_savepoint(self) -> AsyncGenerator[None]:
        """Return an async context manager, as `receiver_savepoint`."""
        with self.receiver_savepoint():
            yield

    def for_send(self, arguments: Mapping[str, Any]) -> Boundary:  # noqa: ARG002
        """Return the boundary in which one send is stored.

        Override it where the arguments select one of several databases.

        Args:
            arguments: the arguments of the receivers.
        """
        return self

    def joined_connection(self) -> Any:
        """Return the connection of the open transaction, if code may write to it as it is.

        It is what `write_connection` yields. None if code has to enter `write_connection`.
        """
        return None

    def write_connection(self) -> AbstractContextManager[Any]:
        """Return a context manager that yields the connection for rows of the outbox.

        It is the connection of the open transaction. If no transaction is open, the block is a short
        transaction of its own. What it yields is a connection of a driver or of SQLAlchemy, or an
        object with the methods of `clarion.outbox.Connection`.

        Raises:
            BoundaryError: if it has no database. A subclass with one overrides this.
        """
        raise BoundaryError(
            f"No delivery can be stored in {self.name}, because its integration does not define "
            f"Boundary.write_connection(). Use on_commit, or set a database with "
            f"clarion.outbox.use_database()."
        )

    @asynccontextmanager
    async def awrite_connection(self) -> AsyncGenerator[Any]:
        """Return an async context manager, as `write_connection`.

        The connection may be async.
        """
        with self.write_connection() as connection:
            yield connection

    def run_coroutine(self, call: PendingCall, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its result, after a commit that sync code has made.

        It is called where no event loop runs.

        Args:
            call: the call of an async receiver.
            coroutine: the coroutine that awaits it.
        """
        return policy_of(call.signal).run_coroutine(coroutine)


class ActiveBoundary:
    """A boundary that a context has entered: sends in it that name no other wait for this one.

    Args:
        boundary: the boundary.
        alias: the name by which `using=` finds it; None if it has none.

    Attributes:
        outer: the active boundary around it.
        request: the boundaries of the request that has entered it; None outside of requests.
        is_over: whether it was left.
    """

    def __init__(self, boundary: Boundary, alias: str | None = None) -> None:
        self.boundary = boundary
        self.alias = alias
        self.outer: ActiveBoundary | None = None
        self.request: list[ActiveBoundary] | None = None
        self.is_entered = False
        self.is_over = False

    def enter(self) -> None:
        """Make it the innermost boundary of this context.

        Raises:
            BoundaryError: if it was entered before.
        """
        if self.is_entered:
            raise BoundaryError(
                "This ActiveBoundary was entered before. Create a new one for each block."
            )
        self.is_entered = True
        # Skip those that are over: some end in another context, and would pile up here.
        self.outer = next(active_boundaries(), None)
        innermost_boundary.set(self)
        self.request = request_boundaries.get()
        if self.request is not None:
            self.request.append(self)

    def leave(self) -> None:
        """End it, and make the one around it the innermost again."""
        # A task started inside has a copy of the context, and a fixture may end in another
        # context than it began in. `is_over` ends it there.
        self.is_over = True
        if innermost_boundary.get() is self:
            innermost_boundary.set(self.outer)
        if self.request is not None and self in self.request:
            self.request.remove(self)

    def is_visible(self) -> bool:
        """Return whether sends in this context can find it."""
        return innermost_boundary.get() is self or self in active_boundaries()

    def outward(self) -> Iterator[ActiveBoundary]:
        """Yield this one and those around it that sends here can wait for, innermost first."""
        # A server may begin a request in a copy of another one's context, as for pipelined
        # requests, or in a thread that has served another one.
        request = request_boundaries.get()
        active: ActiveBoundary | None = self
        while active is not None:
            if not active.is_over and (active.request is None or active.request is request):
                yield active
            active = active.outer


innermost_boundary: ContextVar[ActiveBoundary | None] = ContextVar("clarion_boundary", default=None)
"""The innermost active boundary of the context, which may be over."""


request_boundaries: ContextVar[list[ActiveBoundary] | None] = ContextVar(
    "clarion_request_boundaries", default=None
)
"""The boundaries that a request has entered, in whichever thread or copy of its context.

A middleware sets it to a new list for each request, and resets it at the end. A framework may
begin a transaction in a thread, as FastAPI does for a sync dependency. Sends in other threads of
the request then find it.
"""


def active_boundaries() -> Iterator[ActiveBoundary]:
    """Yield the active boundaries that sends here can wait for, innermost first.

    Inside a request, these are the boundaries that this context has entered, those that other threads
    of the request have entered, and then those around the request.
    """
    innermost = innermost_boundary.get()
    shared = request_boundaries.get()
    mine = () if innermost is None else innermost.outward()
    if not shared:
        return iter(mine)
    # A test may bind a session of its own, and then make a request in a copy of its context.
    inside: list[ActiveBoundary] = []
    around: list[ActiveBoundary] = []
    for each in mine:
        (around if each.request is None else inside).append(each)
    inside += [each for each in reversed(shared) if not each.is_over and each not in inside]
    return iter(inside + around)


def has_active_boundary() -> bool:
    """Return whether a boundary may be active in this context, which costs less than to find it."""
    return innermost_boundary.get() is not None or bool(request_boundaries.get())


def first_active_boundary() -> ActiveBoundary | None:
    """Return the innermost active boundary that sends here can wait for, or None.

    It is the first of `active_boundaries`, which costs more.
    """
    innermost, shared = innermost_boundary.get(), request_boundaries.get()
    if innermost is None:
        return next(active_boundaries(), None) if shared else None
    if innermost.request is shared and not innermost.is_over:
        return innermost
    return next(active_boundaries(), None)


def is_innermost(boundary: Boundary) -> bool:
    """Return whether this context has entered this boundary last."""
    innermost = innermost_boundary.get()
    return innermost is not None and innermost.boundary is boundary
