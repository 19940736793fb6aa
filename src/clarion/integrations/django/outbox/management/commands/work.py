"""manage.py work: call the durable receivers of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, connections

from clarion._core.names import counted
from clarion.errors import ClarionError
from clarion.integrations.django.command import ProcessCommand, failures_of, require_answer_of
from clarion.integrations.django.outbox.database import DjangoDatabase
from clarion.outbox.receivers import connected_receivers
from clarion.worker import Worker
from clarion.worker.process_log import log_to_stderr
from clarion.worker.stop_signals import command_of_its_own
from clarion.worker.summary import find_waits, summary

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence


class Command(ProcessCommand):
    """The command `work`, which runs a worker until it is stopped."""

    help = "Calls the durable receivers of this project for the deliveries in a database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of a worker."""
        add_database(parser)
        ends = parser.add_mutually_exclusive_group()
        ends.add_argument(
            "--drain",
            action="store_true",
            help="make the deliveries that can be made now, then end; the exit code is 1 if one was given up",
        )
        ends.add_argument(
            "--once",
            action="store_true",
            help="look once, make what is found, then end; the exit code is 1 if one was given up",
        )
        parser.add_argument(
            *("-c", "--concurrency"), type=int, default=8, help="jobs at the same time: %(default)s"
        )
        parser.add_argument(
            "--batch", type=int, default=500, help="deliveries a job takes at most: %(default)s"
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
            *("-r", "--receiver"),
            action="append",
            dest="receivers",
            metavar="NAME",
            help="serve only this receiver; may be repeated",
        )

    def run_from_argv(self, argv: Sequence[str]) -> None:
        """Run the command of the process, which logs even if the project has set up no log."""
        log_to_stderr()
        with command_of_its_own():
            super().run_from_argv(argv)

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the worker."""
        names = ("receivers", "concurrency", "batch", "lease", "poll", "grace")
        try:
            worker = Worker(
                DjangoDatabase(options["database"]), **{name: options[name] for name in names}
            )
            served = _served(options["receivers"])
            shown = counted(served, "receiver", "receivers")
            self._say(f"Serving {shown} of {worker.database.name}.", options)
            is_short = options["once"] or options["drain"]
            run = worker.once if options["once"] else worker.drain if is_short else worker.run
            require_answer_of(options["database"])
            with failures_of(options["database"]):
                run()
                waits = find_waits(worker.database, options["receivers"]) if is_short else ""
            self._say(summary(worker.counts, waits), options)
        except ClarionError as error:
            raise CommandError(str(error), returncode=2) from error
        if is_short and (dead := worker.counts["dead"]):
            raise CommandError(
                f"{counted(dead, 'delivery was', 'deliveries were')} given up. Show them with `manage.py outbox ls`."
            )

    def _say(self, text: str, options: dict[str, Any]) -> None:
        if options["verbosity"]:
            self.stdout.write(text)
            self.stdout.flush()


def _served(only: list[str] | None) -> int:
    """Return how many receivers the worker serves.

    Raises:
        CommandError: if no connected receiver has one of the names.
    """
    connected = connected_receivers()
    if missing := sorted(set(only or ()) - connected.keys()):
        raise CommandError(
            f"No connected receiver has the name {', '.join(missing)}. The names are: "
            f"{', '.join(sorted(connected)) or 'none'}.",
            returncode=2,
        )
    each_once = {id(each): each for found in connected.values() for each in found}
    return sum(not only or bool(set(only) & set(each.names)) for each in each_once.values())


def add_database(parser: ArgumentParser) -> None:
    """Add the option that names the database."""
    parser.add_argument(
        *("-d", "--database"),
        default=DEFAULT_DB_ALIAS,
        choices=tuple(connections),
        help="the alias of the database: %(default)s",
    )
