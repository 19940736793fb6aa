"""Standard output of the command, apart from what the user's modules print."""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING

from clarion._core.commands import flush_at_end

if TYPE_CHECKING:
    from typing import TextIO

# Whether only the command needs standard output until the process ends.
is_for_command: ContextVar[bool] = ContextVar("clarion_cli_is_for_command", default=False)

_STDOUT = 1  # the file descriptor that child processes and extension modules print to

_kept: list[TextIO] = []


def standard_output() -> TextIO:
    """Return the stream for the tables and the JSON of the command."""
    return _kept[-1] if _kept else sys.stdout


def keep_output() -> None:
    """Keep standard output for the command; what the program prints goes to standard error.

    This includes threads, child processes and exit functions of the user's modules. If a program runs
    the command, nothing changes, because it may print itself.
    """
    stdout = sys.stdout
    if not is_for_command.get() or _kept or not _is_at(stdout, _STDOUT):
        return
    stdout.flush()
    kept = open(  # noqa: PTH123, SIM115  # until the process ends
        os.dup(_STDOUT), "w", encoding=stdout.encoding, errors=stdout.errors, newline=""
    )
    flush_at_end(kept)
    _kept.append(kept)
    os.dup2(sys.stderr.fileno(), _STDOUT)
    sys.stdout = sys.stderr


def _is_at(stream: TextIO, descriptor: int) -> bool:
    try:
        return stream.fileno() == descriptor
    except (OSError, ValueError):  # such as that of a test
        return False
