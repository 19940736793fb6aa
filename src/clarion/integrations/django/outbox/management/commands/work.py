"""manage.py work: call the durable receivers of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connections

from clarion.errors import ClarionError
from clarion.integrations.django.outbox.database import DjangoDatabase
from clarion.outbox.receivers import connected_receivers
from clarion.worker import Worker

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """The command `work`, which runs a worker until it is stopped."""

    help = "Calls the durable receivers of this project for the deliveries in a database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of a worker."""
        add_database(parser)
        parser.add_argument(
            "--drain", "--once", action="store_true", help="stop when nothing is due any more"
        )
        parser.add_argument(
            "--concurrency", type=int, default=8, help="jobs at the same time: %(default)s"
        )
        parser.add_argument(
            "--lease",
            type=float,
            default=30.0,
            help="seconds until another worker may take over: %(default)s",
        )
        parser.add_argument(
            "--poll",
            type=float,
            default=1.0,
            help="longest wait between looks, in seconds: %(default)s",
        )
        parser.add_argument(
            "--grace",
            type=float,
            default=30.0,
            help="seconds that receivers get to finish: %(default)s",
        )
        parser.add_argument(
            "--receiver",
            action="append",
            dest="receivers",
            metavar="NAME",
            help="serve only this receiver; may be repeated",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the worker."""
        names = ("receivers", "concurrency", "lease", "poll", "grace")
        try:
            worker = Worker(
                DjangoDatabase(options["database"]), **{name: options[name] for name in names}
            )
            self._say(
                f"Serving {len(connected_receivers())} receivers of {worker.database.name}.",
                options,
            )
            if options["drain"]:
                counts = worker.drain()
                self._say(
                    ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
                    or "Nothing was due.",
                    options,
                )
            else:
                worker.run()
        except ClarionError as error:
            raise CommandError(str(error)) from error

    def _say(self, text: str, options: dict[str, Any]) -> None:
        if options["verbosity"]:
            self.stdout.write(text)
            self.stdout.flush()


def add_database(parser: ArgumentParser) -> None:
    """Add the option that names the database."""
    parser.add_argument(
        "--database",
        default=DEFAULT_DB_ALIAS,
        choices=tuple(connections),
        help="the alias of the database: %(default)s",
    )
