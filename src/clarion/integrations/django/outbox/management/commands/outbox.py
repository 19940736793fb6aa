"""manage.py outbox: show the stored deliveries, and decide about those that were given up."""

from __future__ import annotations

import json
import math
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.db import transaction

from clarion._core.commands import run_as
from clarion._core.names import counted
from clarion.errors import ArgumentError, ClarionError
from clarion.integrations.django.command import ProcessCommand, failures_of, require_answer_of
from clarion.integrations.django.outbox.connection import DjangoConnection
from clarion.integrations.django.outbox.database import DjangoDatabase
from clarion.integrations.django.outbox.management.commands.work import add_database
from clarion.integrations.django.outbox.shown import printable, shown_json
from clarion.outbox import store
from clarion.outbox.ages import milliseconds
from clarion.outbox.facts import (
    all_facts_of_dead,
    facts_of_database,
    facts_of_list,
    note_of_keys,
    note_of_suspects,
)
from clarion.outbox.receivers import connected_receivers
from clarion.outbox.tables import VERSION, check_tables, create_tables
from clarion.outbox.waits import list_suspects
from clarion.worker.connections import in_transaction
from clarion.worker.upkeep import LARGEST_ID, Selection, prune, why_none

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Generator

    from clarion.outbox.delivery_row import Dead, Suspect

_DAY = 24 * 3600 * 1000  # milliseconds
_SUSPECTS = 10  # shown at most


class _Connection(DjangoConnection):
    """This thread's connection, with transactions of Django's."""

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Run the block in an atomic block, and commit it."""
        block: Any = transaction.atomic(using=self.alias)
        with block:
            yield
        # With AUTOCOMMIT off, Django leaves the transaction open, and the process would end.
        if not self.connection.get_autocommit() and not self.connection.in_atomic_block:
            self.connection.commit()

    def close(self) -> None:
        """Do nothing: Django closes the connection."""


class Command(ProcessCommand):
    """The command `outbox`, with a subcommand for each action."""

    help = "Shows the stored deliveries of a database, and requeues or discards dead ones."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the subcommands."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for name, (function, text) in _ACTIONS.items():
            action: ArgumentParser = actions.add_parser(name, help=text, description=text)
            action.set_defaults(function=function)
            add_database(action)
            action.add_argument("--json", action="store_true", help="print JSON, for programs")
            if name in {"show", "requeue", "discard"}:
                action.add_argument(
                    "ids", nargs="*", type=_row, metavar="ID", help="a dead delivery"
                )
            if name in {"ls", "requeue", "discard"}:
                action.add_argument("-r", "--receiver", help="only deliveries of this receiver")
            if name in {"requeue", "discard"}:
                action.add_argument("--all", action="store_true", help="all dead deliveries")
            if name == "discard":
                action.add_argument(
                    *("-y", "--yes", "--noinput", "--no-input"),
                    action="store_false",
                    dest="interactive",  # as in Django's own commands
                    help="do not ask",
                )
            if name == "ls":
                action.add_argument(
                    "-n", "--limit", type=_limit, default=100, help="at most: %(default)s"
                )
            if name == "prune":
                ages = action.add_mutually_exclusive_group()
                ages.add_argument(
                    "--days", type=_days, default=7.0, help="the least age of an event: %(default)s"
                )
                ages.add_argument(
                    "--older-than", metavar="AGE", help="the least age, such as 12h, 7d or 2w"
                )

            if name == "create":
                action.add_argument(
                    "--notify",
                    action="store_true",
                    help="PostgreSQL wakes the workers after each commit; use it after migrate",
                )

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the action."""
        function: Callable[[Command, _Connection, dict[str, Any]], None] = options["function"]
        require_answer_of(options["database"])
        try:
            with run_as("manage.py"), failures_of(options["database"]):
                connection = _Connection(options["database"])
                if function is not _create:
                    check_tables(connection)
                function(self, connection, options)
        except ClarionError as error:
            notes: list[str] = getattr(error, "__notes__", [])
            raise CommandError(" ".join([str(error), *notes]), returncode=2) from error

    def print_json(self, value: Any) -> None:
        """Print a value as JSON, in ASCII."""
        self.stdout.write(json.dumps(value, indent=2))


def _status(command: Command, connection: _Connection, options: dict[str, Any]) -> None:
    found = store.waiting(connection)
    suspects = list_suspects(connection)
    dead = sum(each.dead for each in found)
    if options["json"]:
        command.print_json(
            facts_of_database(DjangoDatabase(connection.alias).name, found, suspects)
        )
    else:
        keys = note_of_keys(found, store.list_dead(connection))
        _print_status(command, found, dead, keys)
        _print_suspects(command, found, suspects[:_SUSPECTS])
    if dead:
        sys.exit(1)  # as `clarion outbox status`, for a monitor


def _print_status(command: Command, found: list[Any], dead: int, keys: str) -> None:
    known = connected_receivers()
    for each in found:
        oldest = (
            "" if each.oldest is None else f", the first due {each.oldest:%Y-%m-%d %H:%M:%S} UTC"
        )
        unknown = "" if each.receiver in known else "; NOT CONNECTED in this project"
        command.stdout.write(
            f"{printable(each.receiver)}: {each.deliveries} waiting{oldest}, {each.failing} "
            f"failing, {each.dead} dead{unknown}"
        )
    if not found:
        command.stdout.write("Nothing waits, and nothing is dead.")
    if dead:
        command.stdout.write(f"{dead} dead. List them with `manage.py outbox ls`.{keys}")


def _print_suspects(command: Command, found: list[Any], suspects: list[Suspect]) -> None:
    if suspects:
        command.stdout.write(note_of_suspects(found))
    for each in suspects:
        key = "" if each.key is None else f", key {each.key}"
        lost = counted(each.lost_workers, "lost worker", "lost workers")
        command.stdout.write(printable(f"{each.id}  {each.receiver} of {each.signal}{key}: {lost}"))
    if more := sum(each.suspects for each in found) - len(suspects):
        command.stdout.write(f"{more} more.")


def _ls(command: Command, connection: _Connection, options: dict[str, Any]) -> None:
    receiver = options["receiver"]
    found = store.list_dead(connection, receiver, limit=options["limit"])
    if options["json"]:
        command.print_json(facts_of_list(found, store.waiting(connection), receiver))
        return
    for each in found:
        last = each.error.rstrip().rpartition("\n")[2]
        command.stdout.write(
            printable(f"{each.id}  {each.died_at:%Y-%m-%d %H:%M:%S}  {each.receiver}  {last[:100]}")
        )
    if not found:
        command.stdout.write("No delivery is dead.")
        _hint(command, connection, receiver)


def _show(command: Command, connection: _Connection, options: dict[str, Any]) -> None:
    if not options["ids"]:
        raise ArgumentError("Give the id of a dead delivery. `manage.py outbox ls` lists them.")
    found = [store.find_dead(connection, row) for row in options["ids"]]
    if options["json"]:
        facts = [all_facts_of_dead(each) for each in found]
        command.print_json(facts if len(facts) > 1 else facts[0])
        return
    for each in found:
        command.stdout.write(_shown(each))


def _shown(dead: Dead) -> str:
    envelope = dead.envelope
    facts = {
        "delivery": dead.id,
        "receiver": dead.receiver,
        "signal": envelope.signal,
        "key": dead.key,
        "uid": envelope.uid,
        "sent": f"{envelope.created_at:%Y-%m-%d %H:%M:%S} UTC",
        "died": f"{dead.died_at:%Y-%m-%d %H:%M:%S} UTC, after {counted(dead.failures, 'failure', 'failures')}",
    }
    lines = [f"{name}: {value}" for name, value in facts.items() if value is not None]
    return "\n".join(
        [*map(printable, lines), shown_json(envelope.payload), printable(dead.error.rstrip()), ""]
    )


def _requeue(command: Command, connection: _Connection, options: dict[str, Any]) -> None:
    selection = _selection(options)
    done = selection.change(connection, store.requeue)
    _print_changed(command, connection, done, "requeued", options)


def _discard(command: Command, connection: _Connection, options: dict[str, Any]) -> None:
    selection = _selection(options)
    count = selection.count(connection)
    if count and options["interactive"] and not _agrees(command, count, connection):
        raise CommandError("Nothing was discarded. Confirm it, or give --yes.")
    done = selection.change(connection, store.discard)
    _print_changed(command, connection, done, "discarded", options)


def _selection(options: dict[str, Any]) -> Selection:
    return Selection(options["ids"], options["receiver"], is_all=options["all"])


def _agrees(command: Command, count: int, connection: _Connection) -> bool:
    """Ask the user; without an answer, return False."""
    name = DjangoDatabase(connection.alias).name
    question = f"Discard {counted(count, 'delivery', 'deliveries')} in {name}? It cannot be undone."
    command.stderr.write(f"{question} [y/N]: ", str, ending="")
    command.stderr.flush()
    try:
        return input().strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def _hint(command: Command, connection: _Connection, receiver: str | None) -> None:
    """Print whether a receiver is unknown for which nothing was found."""
    if receiver is not None and (text := why_none(receiver, store.waiting(connection))):
        command.stderr.write(f"hint: {printable(text)}", str)


def _print_changed(
    command: Command,
    connection: _Connection,
    done: list[int],
    how: str,
    options: dict[str, Any],
) -> None:
    if options["json"]:
        command.print_json({how: done})
    elif options["ids"]:
        for row in done:
            command.stdout.write(f"{row} is {how}.")
    else:
        command.stdout.write(f"{counted(len(done), 'delivery is', 'deliveries are')} {how}.")
    if not done:
        _hint(command, connection, options["receiver"])


def _prune(command: Command, connection: _Connection, options: dict[str, Any]) -> None:
    given = options["older_than"]
    age = int(options["days"] * _DAY) if given is None else milliseconds(given)
    removed = prune(connection, age)
    if options["json"]:
        command.print_json({"removed": removed})
    else:
        command.stdout.write(f"{counted(removed, 'event is', 'events are')} removed.")


def _create(command: Command, connection: _Connection, options: dict[str, Any]) -> None:
    in_transaction(connection, partial(create_tables, notify=options["notify"]))
    if options["json"]:
        name = DjangoDatabase(connection.alias).name
        command.print_json({"database": name, "version": VERSION})
    else:
        command.stdout.write(f"The database {options['database']} has the tables.")


def _number(least: int, most: int, text: str) -> int:
    if text.strip("0123456789") or not least <= int(text or "-1") <= most:
        raise ValueError(text)  # argparse names the argument
    return int(text)


def _days(text: str) -> float:
    if not 0 <= float(text) < math.inf:
        raise ValueError(text)
    return float(text)


_row = partial(_number, 1, LARGEST_ID)
_limit = partial(_number, 1, 10_000)

_ACTIONS: dict[str, tuple[Callable[..., None], str]] = {
    "status": (_status, "Count the deliveries of each receiver; 1 if one is dead."),
    "ls": (_ls, "List the dead deliveries, oldest first."),
    "show": (_show, "Show dead deliveries with payload and traceback."),
    "requeue": (_requeue, "Queue dead deliveries again."),
    "discard": (_discard, "Remove dead deliveries."),
    "prune": (_prune, "Remove the events whose deliveries were all made."),
    "create": (_create, "Create the tables, in a project that does not migrate them."),
}
