"""The base of the commands of manage.py."""

from __future__ import annotations

import json
import textwrap
from contextlib import contextmanager
from functools import partial
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connections

from clarion._core.commands import output_failures_end
from clarion._core.names import quoted_name
from clarion.graph.labels import printable
from clarion.outbox.notes import known_cure
from clarion.outbox.urls import path_cure
from clarion.worker.answer import require_answer

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence


class ProcessCommand(BaseCommand):
    """A command that ends without a traceback if its output cannot be written."""

    def run_from_argv(self, argv: Sequence[str]) -> None:
        """Run the command of the process."""
        with output_failures_end():
            super().run_from_argv(argv)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; with `--json`, print the sentence of its failure as JSON, too."""
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            if options.get("json"):
                self.stdout.write(json.dumps({"error": str(error)}))
            raise

    def width(self) -> int | None:
        """Return the columns of the terminal; None if the output is none."""
        stdout: Any = self.stdout
        return get_terminal_size().columns if stdout.isatty() else None

    def write_folded(self, text: str, indent: str = "") -> None:
        """Print a sentence; in a terminal, break it between words, and indent what follows.

        Args:
            text: one line.
            indent: the spaces before it. Those of the further lines are four more.
        """
        width = self.width()
        shown = printable(text)
        self.stdout.write(f"{indent}{shown}" if width is None else folded(shown, width, indent))


def folded(text: str, width: int, indent: str = "") -> str:
    """Break one line between words, so that it fits in a terminal."""
    return textwrap.fill(
        text,
        max(20, width),
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def require_answer_of(alias: str) -> None:
    """Connect to a database, and fail if it does not answer within some seconds.

    Args:
        alias: the alias of the database.

    Raises:
        CommandError: if it does not answer, or refuses the connection.
    """
    if connections[alias].vendor == "sqlite":
        asked = connections[alias].ensure_connection
    else:
        asked = partial(require_answer, partial(_ask, alias))
    with failures_of(alias):
        asked()


@contextmanager
def failures_of(alias: str) -> Generator[None]:
    """Turn the errors of a database into one sentence, and the exit code 2.

    Args:
        alias: the alias of the database.

    Raises:
        CommandError: if the block raises such an error.
    """
    # A worker uses the connection of the driver without Django.
    driver: Any = getattr(
        connections[alias], "Database", None
    )  # a project without a database has none
    try:
        yield
    except (Error, getattr(driver, "Error", Error), ImproperlyConfigured, TimeoutError) as error:
        notes: list[str] = getattr(error, "__notes__", [])
        cure = " ".join(notes) or known_cure(error) or _cure_of(alias)
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise CommandError(
            f"The database {quoted_name(alias)} cannot be used: {reason}. {cure}", returncode=2
        ) from error


def _cure_of(alias: str) -> str:
    connection = connections[alias]
    if connection.vendor == "sqlite":
        path = path_cure(connection.settings_dict["NAME"])
        return path or "Check its entry in DATABASES, and the rights of the user."
    return "Check its entry in DATABASES, and whether the server runs."


def _ask(alias: str) -> None:
    connection = connections[alias]  # of this thread
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()
