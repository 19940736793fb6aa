"""Drivers of MySQL and MariaDB that report the status of the server: PyMySQL and its like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clarion.commit.drivers.dbapi import AsyncDbapiDriver, DbapiDriver

if TYPE_CHECKING:
    from clarion.commit.drivers.outcome import CommitOutcome

_IN_TRANSACTION = 1  # SERVER_STATUS_IN_TRANS


class MysqlDriver(DbapiDriver):
    """A sync connection to MySQL or MariaDB."""

    def in_transaction(self) -> bool:
        """Return whether the server has reported a transaction."""
        return bool(self.connection.server_status & _IN_TRANSACTION)

    def was_interrupted_commit_made(self, error: BaseException) -> bool | None:  # noqa: ARG002
        """Return whether a COMMIT was made, if the server has replied to it."""
        return None if self.in_transaction() else True

    def is_unsettled(self, outcome: CommitOutcome) -> bool:
        """Return whether the reply to a BEGIN or a COMMIT was not read."""
        # The next statement would read it as its own.
        return outcome.is_made is None or super().is_unsettled(outcome)


class AsyncMysqlDriver(AsyncDbapiDriver):
    """An async connection to MySQL or MariaDB."""

    def in_transaction(self) -> bool:
        """Return whether the server has reported a transaction."""
        return bool(self.connection.server_status & _IN_TRANSACTION)

    def was_interrupted_commit_made(self, error: BaseException) -> bool | None:  # noqa: ARG002
        """Return whether a COMMIT was made, if the server has replied to it."""
        return None if self.in_transaction() else True

    def is_unsettled(self, outcome: CommitOutcome) -> bool:
        """Return whether the reply to a BEGIN or a COMMIT was not read."""
        # The next statement would read it as its own.
        return outcome.is_made is None or super().is_unsettled(outcome)
