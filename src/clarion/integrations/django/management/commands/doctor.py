"""manage.py doctor: look for receivers that never run."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.db import DatabaseError, connections

from clarion._core.names import counted
from clarion.doctor.examine import found_by
from clarion.doctor.rules import rules
from clarion.graph.labels import printable
from clarion.integrations.django.command import ProcessCommand, require_answer_of
from clarion.integrations.django.doctor import findings_of_databases, program

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from clarion.doctor import Finding


INDENT = " " * 5


class Command(ProcessCommand):
    """The command `doctor`, which prints its findings, and ends with 1 if there are some."""

    help = "Looks for receivers that can never run, and for what loses their calls."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the databases and the flag."""
        parser.add_argument(
            "--database",
            action="append",
            metavar="ALIAS",
            help="read the stored deliveries of this database, too; may be repeated",
        )
        parser.add_argument("--json", action="store_true", help="print JSON instead of text")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the findings; the exit code is 1 if there are some."""
        aliases: list[str] = options["database"] or []
        databases: Any = connections.settings
        if unknown := [each for each in aliases if each not in databases]:
            known = ", ".join(databases)
            raise CommandError(
                f"No database has the alias {unknown[0]}. The aliases are: {known}.", returncode=2
            )
        found = found_by(rules(), program())
        for alias in aliases:  # the rules read only those that the project needs
            require_answer_of(alias)
        try:
            found += findings_of_databases(aliases)
        except DatabaseError as error:
            raise CommandError(f"A database cannot be read: {error}", returncode=2) from error
        if options["json"]:
            self.stdout.write(json.dumps([asdict(each) for each in found], indent=2))
        else:
            self._print(found)
        if found:
            sys.exit(1)

    def _print(self, found: list[Finding]) -> None:
        style: Any = self.style
        for each in found:
            self.stdout.write(
                style.WARNING(each.code) + f" {printable(each.place or each.subject)}"
            )
            self.write_folded(each.problem, INDENT)
            self.write_folded(f"Cure: {each.cure}", INDENT)
        ending = f"{counted(len(found), 'finding', 'findings')}."
        self.stdout.write(ending if found else "Nothing was found.")
