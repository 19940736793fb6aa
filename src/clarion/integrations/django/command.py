"""The base of the commands of manage.py."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from clarion._core.commands import output_failures_end
from clarion._core.names import quoted_name
from clarion.worker.answer import require_answer

if TYPE_CHECKING:
    from collections.abc import Sequence


class ProcessCommand(BaseCommand):
    """A command that ends without a traceback if its output cannot be written."""

    def run_from_argv(self, argv: Sequence[str]) -> None:
        """Run the command of the process."""
        with output_failures_end():
            super().run_from_argv(argv)


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
    try:
        asked()
    except (DatabaseError, TimeoutError) as error:
        raise CommandError(
            f"The database {quoted_name(alias)} cannot be read: {error}. Check its entry in DATABASES, "
            f"and whether the server runs.",
            returncode=2,
        ) from error


def _ask(alias: str) -> None:
    connection = connections[alias]  # of this thread
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()
