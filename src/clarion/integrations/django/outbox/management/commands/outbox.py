"""manage.py outbox: show the stored deliveries, and decide about those that were given up."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.db import DatabaseError, transaction

from clarion._core.names import counted
from clarion.errors import ClarionError
from clarion.integrations.django.command import ProcessCommand, require_answer_of
from clarion.integrations.django.outbox.connection import DjangoConnection
from clarion.integrations.django.outbox.management.commands.work import add_database
from clarion.integrations.django.outbox.shown import printable, shown_json
from clarion.outbox import store
from clarion.outbox.receivers import connected_receivers
from clarion.outbox.tables import check_tables, create_tables

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable

    from clarion.outbox.delivery_row import Dead

_DAY = 24 * 3600 * 1000  # milliseconds
_BATCH = 10_000


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
            if name in {"show", "requeue", "discard"}:
                action.add_argument(
                    "ids", nargs="*", type=int, metavar="ID", help="a dead delivery"
                )
            if name in {"ls", "requeue", "discard"}:
                action.add_argument("--receiver", help="only deliveries of this receiver")
            if name in {"requeue", "discard"}:
                action.add_argument("--all", action="store_true", help="all dead deliveries")
            if name == "ls":
                action.add_argument("--limit", type=int, default=100, help="at most: %(default)s")
            if name == "prune":
                action.add_argument(
                    "--days", type=float, default=7.0, help="the least age of an event: %(default)s"
                )

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the action in a transaction."""
        function: Callable[[Command, DjangoConnection, dict[str, Any]], None] = options["function"]
        require_answer_of(options["database"])
        block: Any = transaction.atomic(using=options["database"])
        try:
            with block:
                connection = DjangoConnection(options["database"])
                if function is not _create:
                    check_tables(connection)
                function(self, connection, options)
        except (ClarionError, DatabaseError) as error:
            notes: list[str] = getattr(error, "__notes__", [])
            # The message of a driver has no full stop.
            raise CommandError(" ".join([f"{str(error).rstrip('.')}.", *notes])) from error


def _status(command: Command, connection: DjangoConnection, options: dict[str, Any]) -> None:  # noqa: ARG001
    known = connected_receivers()
    found = store.waiting(connection)
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
    if dead := sum(each.dead for each in found):
        command.stdout.write(f"{dead} dead. List them with `manage.py outbox ls`.")
        sys.exit(1)  # as `clarion outbox status`, for a monitor


def _ls(command: Command, connection: DjangoConnection, options: dict[str, Any]) -> None:
    found = store.list_dead(connection, options["receiver"], limit=options["limit"])
    for each in found:
        last = each.error.rstrip().rpartition("\n")[2]
        command.stdout.write(
            printable(f"{each.id}  {each.died_at:%Y-%m-%d %H:%M:%S}  {each.receiver}  {last[:100]}")
        )
    if not found:
        command.stdout.write("No delivery is dead.")


def _show(command: Command, connection: DjangoConnection, options: dict[str, Any]) -> None:
    if not options["ids"]:
        raise CommandError("Give the id of a dead delivery. `manage.py outbox ls` lists them.")
    for row in options["ids"]:
        for each in store.list_dead(connection, row=row) or [_missing(row)]:
            command.stdout.write(_shown(each))


def _missing(row: int) -> Dead:
    raise CommandError(f"No dead delivery has the id {row}. `manage.py outbox ls` lists them.")


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


def _requeue(command: Command, connection: DjangoConnection, options: dict[str, Any]) -> None:
    chosen = _chosen(connection, options)
    for row in chosen:
        store.requeue(connection, row)
        command.stdout.write(f"{row} is requeued.")
    _note_more(command, chosen, options)


def _discard(command: Command, connection: DjangoConnection, options: dict[str, Any]) -> None:
    chosen = _chosen(connection, options)
    for row in chosen:
        store.discard(connection, row)
        command.stdout.write(f"{row} is discarded.")
    _note_more(command, chosen, options)


def _chosen(connection: DjangoConnection, options: dict[str, Any]) -> list[int]:
    ids: list[int] = options["ids"]
    if bool(ids) == bool(options["all"] or options["receiver"]):
        raise CommandError("Give the ids of dead deliveries, or --receiver, or --all.")
    if ids:
        return ids
    return [each.id for each in store.list_dead(connection, options["receiver"], limit=_BATCH)]


def _note_more(command: Command, chosen: list[int], options: dict[str, Any]) -> None:
    if len(chosen) == _BATCH and not options["ids"]:
        command.stdout.write("There may be more dead deliveries. Run it again.")


def _prune(command: Command, connection: DjangoConnection, options: dict[str, Any]) -> None:
    removed = store.prune(connection, int(options["days"] * _DAY), _BATCH)
    more = " Run it again: there are more." if removed == _BATCH else ""
    command.stdout.write(f"{counted(removed, 'event is', 'events are')} removed.{more}")


def _create(command: Command, connection: DjangoConnection, options: dict[str, Any]) -> None:
    create_tables(connection)
    command.stdout.write(f"The database {options['database']} has the tables.")


_ACTIONS: dict[str, tuple[Callable[..., None], str]] = {
    "status": (_status, "Count the deliveries of each receiver; 1 if one is dead."),
    "ls": (_ls, "List the dead deliveries, oldest first."),
    "show": (_show, "Show dead deliveries with payload and traceback."),
    "requeue": (_requeue, "Queue dead deliveries again."),
    "discard": (_discard, "Remove dead deliveries."),
    "prune": (_prune, "Remove the events whose deliveries were all made."),
    "create": (_create, "Create the tables, in a project that does not migrate them."),
}
