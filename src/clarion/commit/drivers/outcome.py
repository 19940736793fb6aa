"""The outcome of a COMMIT: made, not made, or unknown."""

from __future__ import annotations

# The base classes of drivers' errors, by name: in PEP 249, asyncpg and SQLAlchemy.
_DATABASE_ERRORS = {"DatabaseError", "InterfaceError", "PostgresError", "DBAPIError"}

# Those that a driver raises for a lost connection, too.
_MAYBE_LOST = {"OperationalError", "InterfaceError"}


class CommitOutcome:
    """The outcome of the COMMIT of one transaction.

    Args:
        outer_error: the exception that was handled around the block, or None.

    Attributes:
        is_begun: whether the COMMIT was begun.
        is_judged: whether its outcome was determined.
        is_over: whether the transaction was ended for good. A generator that an interrupt has
            left suspended is closed later, and must not roll back the next transaction.
    """

    __slots__ = ("_is_made", "is_begun", "is_judged", "is_over", "outer_error")

    def __init__(self, outer_error: BaseException | None = None) -> None:
        self.outer_error = outer_error
        self.is_begun = False
        self.is_judged = False
        self.is_over = False
        self._is_made: bool | None = False

    @property
    def is_made(self) -> bool | None:
        """Whether the COMMIT was made; None if that is unknown."""
        return None if self.is_begun and not self.is_judged else self._is_made

    def judge(self, *, is_made: bool | None) -> None:
        """Set the outcome."""
        # In this order: an interrupt may come between the statements.
        self._is_made = is_made
        self.is_judged = True


def database_error(
    error: BaseException | None, outer: BaseException | None
) -> BaseException | None:
    """Return the error of a driver: this one, or one that it was raised while handling.

    Args:
        error: the exception.
        outer: the exception at which the search ends.
    """
    seen: set[int] = set()
    while error is not None and error is not outer and id(error) not in seen:
        seen.add(id(error))
        if _has_base(error, _DATABASE_ERRORS):
            return error
        error = error.__cause__ or error.__context__
    return None


def may_cancel_server(error: BaseException) -> bool:
    """Return whether drivers react to an exception by cancelling the COMMIT in the server."""
    return isinstance(error, KeyboardInterrupt) or _has_base(error, {"CancelledError"})


def may_be_lost(error: BaseException) -> bool:
    """Return whether a driver's error may say that the connection was lost."""
    return _has_base(error, _MAYBE_LOST)


def _has_base(error: BaseException, names: set[str]) -> bool:
    return any(kind.__name__ in names for kind in type(error).__mro__)
