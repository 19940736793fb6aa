"""manage.py clarion: the commands of `clarion`, for the receivers of the project."""

from __future__ import annotations

from argparse import REMAINDER
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS

from clarion.integrations.django.command import ProcessCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from clarion.outbox import Database


def _open(alias: str) -> Database:
    """Return a database of Django's settings."""
    from clarion.integrations.django.outbox.database import DjangoDatabase  # few commands need it

    return DjangoDatabase(alias)


class Command(ProcessCommand):
    """The command `clarion`, which needs no MODULE and no URL: Django has both."""

    help = "Runs a command of `clarion`, such as ls, explain or graph, in this project."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what the command line of Clarion reads itself."""
        parser.add_argument(
            "arguments", nargs=REMAINDER, metavar="COMMAND", help="such as: ls, or ls --help"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the command, and end with its exit code."""
        # The only import of the command line: this is another way to call it.
        from clarion.cli import main

        main(
            options["arguments"],
            in_program="manage.py clarion",
            databases=_open,
            database=DEFAULT_DB_ALIAS,
            is_process=self._called_from_command_line,
            keeps_output=self._called_from_command_line,
        )
