"""manage.py demo: import the airports, change them, and check the books."""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sys import argv
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.signals import request_finished, setting_changed
from django.db import connection
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import Signal, receiver
from rich.console import Console
from rich.table import Column, Table

from airports import story, world
from airports.books import Book, books
from airports.models import Airfield
from airports.signals import country_imported
from clarion.introspect import explain, registrations

SIGNALS = {
    "pre_save": pre_save,
    "post_save": post_save,
    "post_delete": post_delete,
    "country_imported": country_imported,
    "request_finished": request_finished,
    "setting_changed": setting_changed,
}
FEET = 10
WORDS = ["zurich", "sao paulo", "international"]

console = Console(highlight=False)


class Command(BaseCommand):
    """Runs the demo in a temporary database, and fails if a receiver missed a call."""

    help = "Imports the airports of the world, and checks what the receivers kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the limit."""
        parser.add_argument("--limit", type=int, help="at most this many, from all countries")

    def handle(self, *, limit: int | None, **_: Any) -> None:
        """Import, change and search the airports, check the books, and print the results."""
        console.print("[bold]Django imports the airports of the world[/]\n")
        rows = world.load(limit)
        with temporary_database(), counted_sends() as sends:
            start = perf_counter()
            call_command("import_airports", limit=limit)
            seconds, sent = perf_counter() - start, sends.total()
            answers = run_story()
            checked = [*books(rows, FEET, answers)]
        console.print(table_of_sends(sends), table_of_books(checked))
        wrong = [f"The {book.name}: {book.wrong[:5]}" for book in checked if book.wrong]
        if wrong:
            raise CommandError(
                "\n".join(["What some receivers kept is wrong, at these keys:", *wrong])
            )
        console.print("[bold green]Every receiver was called exactly as often as it should.[/]")
        console.print(
            f"{len(rows):,} airports were imported in {seconds:.1f} seconds, "
            f"with {sent:,} sends, {sent / seconds:,.0f} a second."
        )
        explanation = str(explain(post_save, sender=Airfield)).replace(f"{settings.BASE_DIR}/", "")
        is_piped = not console.is_terminal
        console.print("\nWho listens:", explanation, "", sep="\n", soft_wrap=is_piped)
        console.print(f"List all receivers: [bold]python {argv[0]} signals[/]", soft_wrap=True)


def run_story() -> dict[tuple[str, int], list[str]]:
    """Change and delete airports, and search for some; return the answers."""
    console.print(f"Atlantis rose. Airports with a new country: {story.raise_atlantis()}")
    console.print(f"The sea rose by {FEET} feet. Deleted airports: {story.raise_the_sea(FEET)}")
    answers = story.ask(WORDS, page_size=3) | story.ask(WORDS, page_size=8)
    for (word, size), codes in answers.items():
        found = " ".join(codes) or "nothing"
        console.print(f"GET /airports/?q={word}, {size} a page: {found}", soft_wrap=True)
    return answers


@contextmanager
def temporary_database() -> Iterator[None]:
    """Use a new database, and delete it afterwards."""
    with TemporaryDirectory(prefix="airports-") as folder:
        connection.settings_dict["NAME"] = Path(folder, "airports.sqlite3")
        call_command("migrate", verbosity=0)
        try:
            yield
        finally:
            connection.close()


@contextmanager
def counted_sends() -> Iterator[Counter[Signal]]:
    """Count the sends of each signal, with one receiver that runs first."""
    sends: Counter[Signal] = Counter()

    @receiver([*SIGNALS.values()], priority=100)
    def count(signal: Signal, **_: Any) -> None:
        sends[signal] += 1

    try:
        yield sends
    finally:
        for signal in SIGNALS.values():
            signal.disconnect(count)


def table_of_sends(sends: Counter[Signal]) -> Table:
    """Return the number of receivers and of sends of each signal."""
    table = Table("Signal", Column("Receivers", justify="right"), Column("Sends", justify="right"))
    for name, signal in SIGNALS.items():
        table.add_row(name, f"{len(registrations(signal)):,}", f"{sends[signal]:,}")
    return table


def table_of_books(checked: list[Book]) -> Table:
    """Return the number of entries of each book, and whether they are right."""
    table = Table("What receivers kept", Column("Entries", justify="right"), "Check")
    for book in checked:
        verdict = f"[red]{len(book.wrong):,} wrong[/]" if book.wrong else "[green]exactly right[/]"
        table.add_row(book.name, f"{len(book.kept):,}", verdict)
    return table
