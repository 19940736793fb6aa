"""on_commit: the delivery of receivers that run after the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from clarion._core.names import described, quoted_name, signal_name, value_name
from clarion._core.signatures import asks_for
from clarion._core.tabled import policy_of
from clarion.commit.call_check import CallCheck
from clarion.commit.coalesce import key_function
from clarion.commit.nesting import check_nesting, running_call
from clarion.commit.outside import check_outside, may_run, outside_of
from clarion.commit.pending_call import BoundReceiver, PendingCall, Scheduled
from clarion.commit.providers import providers
from clarion.commit.resolve import NO_MATCH, resolve_boundary
from clarion.commit.run import arun_call, run_at_once
from clarion.commit.suppress import active_suppression
from clarion.errors import ArgumentError, BoundaryError, MissingExtraError, RunningLoopError

if TYPE_CHECKING:
    from typing import Never

    from clarion._core.registration import Registration
    from clarion._core.signal import Signal
    from clarion.commit.boundary import Boundary
    from clarion.commit.coalesce import Coalesce
    from clarion.commit.pending_call import KeyFunction
    from clarion.commit.resolve import BoundaryMatch
    from clarion.typing import Receiver


class OnCommit:
    """Run a receiver after the commit of the transaction that the send is in.

        @receiver(order_paid, delivery=on_commit)
        @receiver(order_paid, delivery=on_commit(coalesce="order_id"))

    It runs after the outermost commit. It does not run if that transaction, or the savepoint
    around the send, is rolled back. If no transaction is open, it runs at once. What it raises
    is logged and counted; it stops no other receiver and does not reach the sender.

    Args:
        coalesce: run once for each commit and key, with the keywords of the last send. The key
            is the value of a keyword ("order_id"), or the values of several. It may also be a
            function, which is called with the keywords and returns the key. A receiver with a
            parameter `sends` receives the keywords of all sends, as a list of dictionaries.
        using: wait for the database of this alias, whichever transaction the send names.
        outside: what happens where no transaction is open: "run" at once, "skip" the receiver, or
            "refuse" the send. `clarion.commit.set_outside` changes the default, "run".

    The commits are those of `django.db.transaction.on_commit`, and errors are isolated as with
    its `robust=True`.
    """

    def __init__(
        self,
        *misplaced: Never,
        coalesce: Coalesce | None = None,
        using: str | None = None,
        outside: str | None = None,
    ) -> None:
        if misplaced:
            raise ArgumentError(
                f"on_commit was called with {value_name(misplaced[0])}. Give its options by name, "
                f"and to connect a receiver, write @receiver(signal, delivery=on_commit)."
            )
        if outside is not None:
            check_outside(outside)
        self.coalesce = coalesce
        self.using = using
        self.outside = outside

    def __call__(
        self,
        *misplaced: Never,
        coalesce: Coalesce | None = None,
        using: str | None = None,
        outside: str | None = None,
    ) -> OnCommit:
        """Return a delivery with these options: see `OnCommit`."""
        return OnCommit(*misplaced, coalesce=coalesce, using=using, outside=outside)

    def bind(self, receiver: Receiver, signal: Signal) -> BoundOnCommit:
        """Return the delivery to this receiver.

        Raises:
            ArgumentError: if the signal does not declare a keyword to coalesce by, or an
                option has the wrong type.
        """
        _check_alias(self.using)
        providers()  # installs the listeners for commits, before the program starts threads
        is_declared = policy_of(signal).parameters is not None
        key_of = key_function(self.coalesce, signal, receiver)
        return BoundOnCommit(self, receiver, key_of, is_declared=is_declared)

    def __repr__(self) -> str:
        options = {"coalesce": self.coalesce, "using": self.using, "outside": self.outside}
        given = [f"{name}={_shown(value)}" for name, value in options.items() if value is not None]
        return f"on_commit({', '.join(given)})" if given else "on_commit"


def _shown(option: object) -> str:
    if type(option) in {list, tuple}:
        return f"[{', '.join(map(quoted_name, cast('list[object]', option)))}]"
    return quoted_name(option)


on_commit = OnCommit()
"""Run the receiver after the commit of the transaction. See `OnCommit` for its options."""


class BoundOnCommit(BoundReceiver):
    """`on_commit`, bound to one receiver of one signal.

    Attributes:
        delivery: the `on_commit` that the receiver was connected with.
        key_of: the function that computes the key of a send; None if calls are not merged.
        requests_session: whether the receiver has a parameter `session`.
        requests_sends: whether it has a parameter `sends`, and calls are merged.
        counts: how many calls were scheduled, ran, failed, were dropped, merged, suppressed.
    """

    def __init__(
        self,
        delivery: OnCommit,
        receiver: Receiver,
        key_of: KeyFunction | None,
        *,
        is_declared: bool,
    ) -> None:
        self.provides = ("session",) if key_of is None else ("sends", "session")
        super().__init__(
            delivery,
            key_of,
            requests_session=asks_for(receiver, "session"),
            requests_sends="sends" in self.provides and asks_for(receiver, "sends"),
        )
        self._using = delivery.using
        self._check = CallCheck(receiver, delivery, self.provides, is_declared=is_declared)

    def send(
        self, signal: Signal, registration: Registration, receiver: Receiver, /, **arguments: Any
    ) -> Scheduled:
        """Schedule one call, or make it at once."""
        boundary, reason = resolve_boundary(signal, arguments, self._using)
        if self._check.is_needed:
            self._check.check(signal, receiver, boundary, arguments)
        if running_call.get() is not None:
            check_nesting(signal, receiver)
        call = PendingCall(signal, registration, receiver, self, boundary, reason, arguments)
        scheduled = call.scheduled  # read before the call, which replaces it on failure
        try:
            if (suppression := active_suppression()) is not None:
                suppression.suppress(call)
            elif not boundary.schedule(call):
                run_at_once(call)
            return scheduled
        finally:
            del scheduled  # the error of the receiver holds this frame

    async def asend(
        self, signal: Signal, registration: Registration, receiver: Receiver, /, **arguments: Any
    ) -> Scheduled:
        """Schedule one call, or make it at once and await it."""
        # Repeats `send`, which saves a call.
        boundary, reason = resolve_boundary(signal, arguments, self._using)
        if self._check.is_needed:
            self._check.check(signal, receiver, boundary, arguments)
        if running_call.get() is not None:
            check_nesting(signal, receiver)
        call = PendingCall(signal, registration, receiver, self, boundary, reason, arguments)
        scheduled = call.scheduled  # read before the call, which replaces it on failure
        try:
            if (suppression := active_suppression()) is not None:
                suppression.suppress(call)
                return scheduled
            if registration.is_async:
                _check_can_await(boundary, signal, receiver)
            if not await boundary.aschedule(call) and may_run(call):
                scheduled.is_at_once = True
                await arun_call(call)
            return scheduled
        finally:
            del scheduled  # the error of the receiver holds this frame

    def awaits(self, signal: Signal, receiver: Receiver, /, **arguments: Any) -> bool:
        """Return whether `send` would have to await an async receiver here.

        Raises:
            RunningLoopError: if it would have to be awaited after a commit by sync code.
        """
        if active_suppression() is not None:
            return False
        try:
            boundary = self._resolve(signal, arguments).boundary
        except (BoundaryError, MissingExtraError):
            return False  # the send itself raises it, or a robust send returns it
        _check_can_await(boundary, signal, receiver)
        return outside_of(self.delivery) == "run" and not boundary.is_open()

    def explain(self, signal: Signal, /, **arguments: Any) -> str:
        """Return when the receiver would run, in words."""
        if (suppression := active_suppression()) is not None:
            return f"suppressed here: {suppression.reason}"
        try:
            match = self._resolve(signal, arguments)
        except (BoundaryError, MissingExtraError) as error:
            return f"never, because the send would raise: {error}"
        if (fault := self._check.session_fault(match.boundary, arguments)) is not None:
            return f"never, because it {fault}"
        name = match.boundary.name
        if match.boundary.is_open():
            return f"after the commit of {name}: {match.reason}"
        where = "" if match is NO_MATCH else f" on {name}"
        outside = outside_of(self.delivery)
        if outside != "run":
            return f"never, because no transaction is open{where} and its outside is '{outside}'"
        return f"at once, because no transaction is open{where}: {match.reason}"

    def _resolve(self, signal: Signal, arguments: dict[str, Any]) -> BoundaryMatch:
        return resolve_boundary(signal, arguments, self._using)


def _check_can_await(boundary: Boundary, signal: Signal, receiver: Receiver) -> None:
    """Refuse an async receiver if sync code will commit inside the event loop that runs here."""
    if boundary.is_open() and not boundary.can_await():
        raise RunningLoopError(
            f"Receiver {described(receiver)} of signal {signal_name(signal)} cannot be awaited after "
            f"the commit of {boundary.name}, because sync code will commit inside a running event "
            f"loop. Use an AsyncSession or `async with`, or connect a sync receiver.",
            [described(receiver)],
        )


def _check_alias(using: object) -> None:
    if using is not None and not isinstance(using, str):
        raise ArgumentError(
            f"on_commit was given using={value_name(using)}. Give the alias of a database.",
            ["using"],
        )
