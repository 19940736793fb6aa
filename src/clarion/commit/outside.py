"""What happens where no transaction is open, `on_commit(outside=...)`, and what a block leaves outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion._core.callers import warn_caller
from clarion._core.names import described, keyword_name, signal_name, value_name
from clarion.commit.providers import providers
from clarion.errors import ArgumentError, BoundaryError

if TYPE_CHECKING:
    from collections.abc import Collection

    from clarion.commit.pending_call import PendingCall

_CHOICES = ("run", "skip", "refuse")
_default = ["run"]


def set_outside(outside: str) -> str:
    """Set what `on_commit` receivers do by default where no transaction is open.

    Args:
        outside: "run" them at once, "skip" them, or "refuse" the send.

    Returns:
        The previous default, so that a test can restore it.

    Raises:
        ArgumentError: if it is none of these.
    """
    check_outside(outside)
    before, _default[0] = _default[0], outside
    return before


def check_outside(outside: object) -> None:
    """Refuse an option that is none of the three."""
    if outside not in _CHOICES:
        raise ArgumentError(
            f"outside={value_name(outside)} was given. Give 'run', 'skip' or 'refuse'.",
            ["outside"],
        )


def outside_of(delivery: object) -> str:
    """Return the option of a delivery, or the default of the process."""
    return getattr(delivery, "outside", None) or _default[0]


def may_run(call: PendingCall) -> bool:
    """Return whether a call runs where no transaction is open; if not, drop it.

    Raises:
        BoundaryError: if the send is refused there.
    """
    outside = outside_of(call.bound.delivery)
    if outside == "run":
        _warn_of_uncommitted(call, "at once")
        return True
    call.drop()
    if outside == "skip":
        return False
    raise BoundaryError(
        f"Receiver {described(call.receiver)} of signal {signal_name(call.signal)} waits for a "
        f"commit, and no transaction is open here. Send inside a transaction, or connect the "
        f"receiver with outside='run'."
    )


def _warn_of_uncommitted(call: PendingCall, when: str) -> None:
    """Warn if the send has an object of a session whose transaction it does not wait for."""
    for provider in providers():
        keyword = provider.uncommitted_keyword(call.arguments)
        if keyword is not None:
            warn_caller(
                f"Receiver {described(call.receiver)} of signal {signal_name(call.signal)} runs {when}, although "
                f"the object in {keyword_name(keyword)} is not committed. Send inside `with bound(session):`, or "
                f"give the send session=...",
                RuntimeWarning,
            )


def warn_of_other_transaction() -> bool:
    """Warn if a block without a connection is inside a transaction that it does not wait for.

    Returns:
        Whether it is.
    """
    for provider in providers():
        name = provider.default_transaction()
        if name is not None:
            warn_caller(
                f"atomic() was entered inside a transaction of {name}, and does not wait for its commit: "
                f"on_commit receivers run at the end of the block. Use the transaction's own block here, such "
                f"as django.db.transaction.atomic() or session.begin_nested().",
                RuntimeWarning,
            )
            return True
    return False


def warn_of_other_context() -> None:
    """Warn that a block was left in another context than it was entered in."""
    warn_caller(
        "atomic() was left in another context than it was entered in, so sends between did not wait for its "
        "commit. Put the SignalMiddleware of clarion.integrations.asgi around the application, or enter the "
        "block in the code that sends.",
        RuntimeWarning,
    )


def warn_of_calls(calls: Collection[PendingCall]) -> None:
    """Warn before a block without a connection runs calls whose transaction is not committed."""
    # The transaction may have begun inside the block, as a session does at its first statement.
    if not warn_of_other_transaction():
        for call in calls:
            _warn_of_uncommitted(call, "at the end of its atomic() block")
