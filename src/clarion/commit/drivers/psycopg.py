"""psycopg, sync and async, and psycopg2: libpq reports the status of a transaction."""

from __future__ import annotations

from clarion.commit.drivers.base import Driver, aborted_error
from clarion.commit.drivers.dbapi import DbapiDriver
from clarion.commit.drivers.native import AsyncNativeDriver, NativeDriver
from clarion.commit.drivers.outcome import may_cancel_server

_IDLE = 0  # PQTRANS_IDLE
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


class PsycopgDriver(LibpqStatus, NativeDriver):
    """A connection of psycopg."""


class AsyncPsycopgDriver(LibpqStatus, AsyncNativeDriver):
    """An async connection of psycopg."""


class Psycopg2Driver(LibpqStatus, DbapiDriver):
    """A connection of psycopg2, which begins a transaction with the first statement."""
