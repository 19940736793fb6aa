"""How a user runs a command of Clarion in this program, and the end of one that cannot write.

Messages name commands. In a Django project, `manage.py outbox ls` does what `clarion outbox ls` does
elsewhere. So every message gets a command from `command_line`.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import TextIO

PROGRAM = "clarion"

CLOSED = 128 + 13  # the exit code that a shell reports for a program that SIGPIPE has ended
FAILED = 2  # the exit code if the command has failed

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}

_groups: dict[str, str] = {}
_running: list[str] = []
_more_streams: list[TextIO] = []


def command_line(command: str) -> str:
    """Return how a user runs a command, such as `clarion outbox ls` or `manage.py outbox ls`.

    Args:
        command: the command, as one writes it after `clarion`.
    """
    if _running:
        return f"{_running[-1]} {command}"
    program = _groups.get(command.partition(" ")[0]) or _groups.get("") or PROGRAM
    return f"{program} {command}"


def offer_commands(program: str, *groups: str) -> None:
    """Let messages name the commands of a framework's own program.

    Args:
        program: what a user writes before the command, such as `manage.py`.
        groups: the first words of the commands that it has; none for all others.
    """
    for group in groups or ("",):
        _groups[group] = program


def forget_programs() -> None:
    """Let messages name the commands of `clarion` again."""
    _groups.clear()


@contextmanager
def run_as(program: str) -> Generator[None]:
    """Let the messages in a block name the commands of the program that runs."""
    _running.append(program)
    try:
        yield
    finally:
        _running.remove(program)


@contextmanager
def output_failures_end() -> Generator[None]:
    """End the process without a traceback if its output cannot be written.

    If its reader has gone, as after `| head -1`, there is no message, and the exit code is `CLOSED`. On
    another error, such as a full disk, there is one sentence, and the exit code is `FAILED`.

    Raises:
        SystemExit: after such an error.
    """
    try:
        try:
            yield
        finally:
            flush_output()  # here, because Python would report a failure at its end
    except (OSError, SystemExit) as error:
        # Typer and Rich turn the error of a closed pipe into an exit code of their own.
        cause = error.__context__ if isinstance(error, SystemExit) else error
        if isinstance(cause, BrokenPipeError):
            _discard_output()
            sys.exit(CLOSED)
        if not isinstance(cause, OSError) or cause.errno not in _FULL or cause.filename is not None:
            raise
        _discard_output()
        sys.stderr.write(
            f"error: The output cannot be written: {cause.strerror}. Write it to another place.\n"
        )
        sys.exit(FAILED)


def flush_at_end(stream: TextIO) -> None:
    """Treat a stream as one of the standard streams: flush it at the end, and report its failures."""
    _more_streams.append(stream)


def flush_output() -> None:
    """Flush the standard streams."""
    for stream in _streams():
        stream.flush()


def _discard_output() -> None:
    """Send the output of each stream that fails to nowhere, so that Python reports nothing at its end."""
    for stream in _streams():
        try:
            stream.flush()
        except OSError:
            with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
                os.dup2(nowhere.fileno(), stream.fileno())


def _streams() -> list[TextIO]:
    found = (*_more_streams, sys.stdout, sys.stderr)
    return [each for each in found if each is not None and not each.closed]
