"""on_commit: the delivery of receivers that run once it is true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion._core.names import described, signal_name
from clarion._core.signatures import asks_for, signature_of
from clarion.commit.boundary import NOWHERE, providers, resolve_boundary
from clarion.commit.pending_call import PendingCall, Scheduled
from clarion.commit.suppress import suppression
from clarion.errors import ArgumentError, BoundaryError, MissingExtraError, RunningLoopError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.commit.boundary import BoundaryMatch
    from clarion.typing import Receiver

    Coalesce = str | Sequence[str] | Callable[..., Hashable]

COUNTED = ("scheduled", "ran", "failed", "dropped", "merged", "suppressed")


class OnCommit:
    """Have a receiver run after the commit of the transaction that the send is in.

        @receiver(order_paid, delivery=on_commit)
        @receiver(order_paid, delivery=on_commit(coalesce="order_id"))

    It runs once the outermost transaction has been committed, and not at all if that, or the
    savepoint around the send, is rolled back. Where no transaction is open it runs at once.
    What it raises is logged and counted; it stops no other receiver and reaches nobody.

    Args:
        coalesce: run once for each commit and key, with the keywords of the last send. The
            key is a keyword's value ("order_id"), those of several, or what a function
            returns that is called with the keywords. A receiver that has a parameter
            `sends` is given the keywords of all of them, as a list of dictionaries.
        using: wait for the database of this alias, whatever the send says.

    Commit means what it means for `django.db.transaction.on_commit`; errors are isolated as
    with its `robust=True`.
    """

    def __init__(self, *, coalesce: Coalesce | None = None, using: str | None = None) -> None:
        self._coalesce = coalesce
        self._using = using

    def __call__(self, *, coalesce: Coalesce | None = None, using: str | None = None) -> OnCommit:
        """Return one with these options, as `OnCommit` takes them."""
        return OnCommit(coalesce=coalesce, using=using)

    def bind(self, receiver: Receiver, signal: Signal) -> BoundOnCommit:
        """Return what delivers to this receiver.

        Raises:
            ArgumentError: if a keyword to coalesce by is not declared by the signal, or an
                option is of no use.
        """
        _check_alias(self._using)
        providers()  # those who hear of commits had better do so before there are threads
        return BoundOnCommit(self, receiver, _key_maker(self._coalesce, signal))

    def __repr__(self) -> str:
        options = {"coalesce": self._coalesce, "using": self._using}
        given = [f"{name}={value!r}" for name, value in options.items() if value is not None]
        return f"on_commit({', '.join(given)})" if given else "on_commit"


on_commit = OnCommit()
"""The receiver runs once the transaction has been committed. See `OnCommit` for its options."""


class BoundOnCommit:
    """`on_commit`, bound to one receiver of one signal.

    Attributes:
        delivery: what it was bound by.
        key_of: works out the key of a send; None if nothing is merged.
        wants_session: whether the receiver asks for a session of its own.
        wants_sends: whether it asks for the keywords of all sends that were merged.
        counts: how many calls were scheduled, ran, failed, were dropped, merged, suppressed.
    """

    def __init__(
        self,
        delivery: OnCommit,
        receiver: Receiver,
        key_of: Callable[[dict[str, Any]], Hashable] | None,
    ) -> None:
        self.delivery = delivery
        self.key_of = key_of
        self.provides = ("session",) if key_of is None else ("sends", "session")
        self.requests_session = asks_for(receiver, "session")
        self.requests_sends = "sends" in self.provides and asks_for(receiver, "sends")
        self._needs_session = self.requests_session and _is_required(receiver, "session")
        self.counts: dict[str, int] = dict.fromkeys(COUNTED, 0)

    def count(self, what: str) -> None:
        """Count one more."""
        # Without a lock, which is dearer than all of this: between the reading and the writing
        # there is nothing at which CPython would let another thread run.
        self.counts[what] += 1

    def send(
        self, signal: Signal, registration: Registration, receiver: Receiver, /, **named: Any
    ) -> Scheduled:
        """Schedule one call, or make it at once."""
        found = resolve_boundary(signal, named, self.delivery._using)
        if self._needs_session:
            self._check_session(found, receiver, named)
        call = PendingCall(signal, registration, receiver, self, found, named)
        if (quiet := suppression()) is not None:
            quiet.note(call)
        elif not found.boundary.take(call):
            call.run_at_once()
        return call.scheduled

    async def asend(
        self, signal: Signal, registration: Registration, receiver: Receiver, /, **named: Any
    ) -> Scheduled:
        """Schedule one call, or make it at once and await it."""
        # As in `send`, for a call saved.
        found = resolve_boundary(signal, named, self.delivery._using)
        if self._needs_session:
            self._check_session(found, receiver, named)
        call = PendingCall(signal, registration, receiver, self, found, named)
        if (quiet := suppression()) is not None:
            quiet.note(call)
            return call.scheduled
        if registration.is_async:
            self._refuse_where_nothing_awaits(call.found, signal, receiver)
        if not await call.found.boundary.offer(call):
            call.scheduled.is_at_once = True
            await call.arun()
        return call.scheduled

    def awaits(self, signal: Signal, receiver: Receiver, /, **named: Any) -> bool:
        """Tell whether an async receiver would have to be awaited here.

        Raises:
            RunningLoopError: if it would have to be awaited later, where nothing can.
        """
        if suppression() is not None:
            return False
        try:
            found = self._resolve(signal, named)
        except BoundaryError:
            return False  # which the send itself is told, or answers with if it is a robust one
        self._refuse_where_nothing_awaits(found, signal, receiver)
        return not found.boundary.is_open()

    def explain(self, signal: Signal, /, **named: Any) -> str:
        """Say when the receiver would run."""
        if (quiet := suppression()) is not None:
            return f"suppressed here: {quiet.reason}"
        try:
            found = self._resolve(signal, named)
        except (BoundaryError, MissingExtraError) as refusal:
            return f"never, for the send would be refused: {refusal}"
        if found.boundary.is_open():
            return f"after the commit of {found.boundary.name}: {found.reason}"
        where = "" if found is NOWHERE else f" on {found.boundary.name}"
        return f"on commit, hence at once, for no transaction is open{where}: {found.reason}"

    def _resolve(self, signal: Signal, named: dict[str, Any]) -> BoundaryMatch:
        return resolve_boundary(signal, named, self.delivery._using)

    def _check_session(
        self, found: BoundaryMatch, receiver: Receiver, named: dict[str, Any]
    ) -> None:
        if not found.boundary.has_sessions and "session" not in named:
            raise ArgumentError(
                f"Receiver {described(receiver)} asks for a session, and {found.boundary.name} has none "
                f"to give. Send within a session of SQLAlchemy's, or give `session` a default.",
                ["session"],
            )

    def _refuse_where_nothing_awaits(
        self, found: BoundaryMatch, signal: Signal, receiver: Receiver
    ) -> None:
        """Refuse what sync code will commit inside the event loop that runs here."""
        if found.boundary.is_open() and not found.boundary.can_await():
            raise RunningLoopError(
                f"Receiver {described(receiver)} of signal {signal_name(signal)} cannot be awaited after "
                f"the commit of {found.boundary.name}, which sync code will make inside a running "
                f"event loop. Use an AsyncSession or `async with`, or connect a sync receiver.",
                [described(receiver)],
            )


def _check_alias(using: object) -> None:
    if using is not None and not isinstance(using, str):
        raise ArgumentError(
            f"on_commit was given using={using!r}. Give the alias of a database.", ["using"]
        )


def _key_maker(
    coalesce: Coalesce | None, signal: Signal
) -> Callable[[dict[str, Any]], Hashable] | None:
    """Return what works out the key of a send from its keywords; None if nothing is merged."""
    if coalesce is None:
        return None
    if callable(coalesce):
        return lambda named: _hashed((coalesce(**named),), signal)
    names = _checked_names(coalesce)
    declared = getattr(signal, "_keywords", None)
    unknown = [] if declared is None else [n for n in names if n not in declared and n != "sender"]
    if unknown or not names:
        raise ArgumentError(
            f"on_commit(coalesce={coalesce!r}) names no keyword of signal {signal_name(signal)}. "
            f"Name one that every send has, or give a function of the keywords.",
            ["coalesce", *unknown],
        )

    def key_of(named: dict[str, Any]) -> Hashable:
        missing = [name for name in names if name not in named]
        if missing:
            raise ArgumentError(
                f"Signal {signal_name(signal)} was sent without {', '.join(missing)}, by which a "
                f"receiver coalesces. Send it, or coalesce by something else.",
                missing,
            )
        return _hashed(tuple(named[name] for name in names), signal)

    return key_of


def _checked_names(coalesce: object) -> tuple[str, ...]:
    names: Any = (coalesce,) if isinstance(coalesce, str) else coalesce
    is_list = type(names) in {list, tuple}
    if not is_list or not all(isinstance(name, str) for name in names):
        raise ArgumentError(
            f"on_commit was given coalesce={coalesce!r}. Give the name of a keyword, a list of "
            f"names, or a function of the keywords.",
            ["coalesce"],
        )
    return tuple(names)


def _hashed(key: tuple[Any, ...], signal: Signal) -> Hashable:
    try:
        hash(key)
    except TypeError:
        # Of its values nothing is told, for they may be anybody's secrets.
        culprit = next((each for each in key if not _is_hashable(each)), key)
        raise ArgumentError(
            f"A receiver of signal {signal_name(signal)} coalesces by {type(culprit).__qualname__!r} objects, "
            f"which are unhashable. Coalesce by an id.",
            ["coalesce"],
        ) from None
    return key


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _is_required(receiver: Receiver, name: str) -> bool:
    signature = signature_of(receiver)
    if signature is None:
        return False
    parameter = signature.parameters[name]
    return parameter.default is parameter.empty
