"""manage.py import_airports: the airports of the world, saved one by one."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from airports import world
from airports.models import Airport


class Command(BaseCommand):
    """Imports the airports of the package `airportsdata`."""

    help = "Imports the airports of the world."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the limit."""
        parser.add_argument("--limit", type=int, help="at most this many, from all countries")

    def handle(self, *, limit: int | None, **_: Any) -> None:
        """Import them, with a progress bar."""
        if Airport.objects.exists():
            raise CommandError("The database has airports already. Remove them: manage.py flush.")
        rows = world.load(limit)
        columns = (TextColumn("Importing airports"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn()) as progress:
            world.store(progress.track(rows))
