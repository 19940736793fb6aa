"""psycopg, sync and async, and psycopg2: libpq reports the status of a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion._core.locks import acquire
from clarion.commit.drivers.base import Driver, aborted_error
from clarion.commit.drivers.dbapi import DbapiDriver
from clarion.commit.drivers.native import AsyncNativeDriver, NativeDriver
from clarion.commit.drivers.outcome import may_cancel_server

if TYPE_CHECKING:
    from clarion.commit.drivers.outcome import CommitOutcome

STUCK_AFTER = 1.0
"""After how many seconds a locked connection is regarded as locked forever."""

_IDLE = 0  # PQTRANS_IDLE
_ACTIVE = 1  # PQTRANS_ACTIVE: a statement is executed
_IN_TRANSACTION = 2  # PQTRANS_INTRANS
_IN_ERROR = 3  # PQTRANS_INERROR

# Whether a COMMIT was made, by the status after it. Others say that it has not ended.
_MADE = {_IDLE: True, _IN_TRANSACTION: False, _IN_ERROR: False}


class LibpqStatus(Driver):
    """The status that libpq reports."""

    def in_transaction(self) -> bool:
        """Return whether a transaction is open."""
        return self._status() != _IDLE

    def was_interrupted_commit_made(self, error: BaseException) -> bool | None:
        """Return whether a COMMIT was made, if the server has replied to it."""
        return None if may_cancel_server(error) else _MADE.get(self._status())

    def check_not_aborted(self) -> None:
        """Refuse the commit of an aborted transaction."""
        if self._status() == _IN_ERROR:
            raise aborted_error()

    def _status(self) -> int:
        return int(self.connection.info.transaction_status)


class PsycopgStatus(LibpqStatus):
    """The status of psycopg, which also counts its blocks."""

    def is_unsettled(self, outcome: CommitOutcome) -> bool:
        """Return whether a transaction is open, or a block counts as open."""
        # An interrupt may leave the count wrong. Then the next block would set a savepoint.
        return super().is_unsettled(outcome) or bool(
            getattr(self.connection, "_num_transactions", 0)
        )


class PsycopgDriver(PsycopgStatus, NativeDriver):
    """A connection of psycopg."""

    def is_stuck(self) -> bool:
        """Return whether the connection's lock stays locked.

        From CPython 3.14 on, an interrupt can come after a `with lock` has locked it and before the block
        begins, in any method of psycopg. No statement is executed then.
        """
        lock = getattr(self.connection, "lock", None)
        if lock is None or not lock.locked():
            return False
        # Another thread may execute short statements, or one that takes long.
        if acquire(lock, STUCK_AFTER):
            lock.release()
            return False
        return self._status() != _ACTIVE

    def is_unsettled(self, outcome: CommitOutcome) -> bool:
        """Return whether a transaction or a block is open, or the connection is locked."""
        return super().is_unsettled(outcome) or self.is_stuck()


class AsyncPsycopgDriver(PsycopgStatus, AsyncNativeDriver):
    """An async connection of psycopg."""


class Psycopg2Driver(LibpqStatus, DbapiDriver):
    """A connection of psycopg2, which begins a transaction with the first statement."""
