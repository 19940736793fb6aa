"""The errors that a user reads as one sentence, without a traceback."""

from __future__ import annotations

from clarion.errors import ClarionError


class CommandError(ClarionError):
    """The command has failed.

    Args:
        message: what is wrong, and what to do.
        details: more lines, such as the traceback of a module of the user.
    """

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details
