"""`clarion work`: run a worker."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import typer

from clarion._core.version import __version__
from clarion.cli.databases import check_file, failures_of, find_database
from clarion.cli.failures import CommandError
from clarion.cli.imports import import_all, is_reference, names_database
from clarion.cli.options import (
    BatchOption,
    ConcurrencyOption,
    DrainOption,
    GraceOption,
    LeaseOption,
    ModulesArgument,
    OnceOption,
    OptionalDatabaseOption,
    PollOption,
    ReceiversOption,
)
from clarion.cli.output import FOUND, print_line, reporting
from clarion.cli.threads import wait_for_threads
from clarion.outbox.receivers import connected_receivers
from clarion.worker import Worker
from clarion.worker.answer import ask, require_answer
from clarion.worker.process_log import log_to_stderr
from clarion.worker.stop_signals import command_of_its_own
from clarion.worker.summary import find_waits, summary

if TYPE_CHECKING:
    from collections.abc import Collection

    from clarion.outbox import Database
    from clarion.outbox.receivers import StoredReceiver


@reporting(keeps_output=False)  # it is for the receivers, which may print
def work(
    modules: ModulesArgument = None,
    database: OptionalDatabaseOption = None,
    receivers: ReceiversOption = None,
    drain: DrainOption = False,
    once: OnceOption = False,
    concurrency: ConcurrencyOption = 8,
    batch: BatchOption = 500,
    lease: LeaseOption = 30.0,
    poll: PollOption = 1.0,
    grace: GraceOption = 30.0,
) -> None:
    """Make the stored deliveries of durable receivers.

    It runs until SIGTERM or Ctrl+C, which let running receivers end. A second one ends it at once.
    """
    if drain and once:
        raise CommandError(
            "--once looks once, and --drain until nothing can be made. Give one of them."
        )
    found, name = _load(modules or [], database)
    log_to_stderr()
    served = _served(receivers)
    worker = Worker(
        found,
        receivers=receivers or None,
        concurrency=concurrency,
        batch=batch,
        lease=lease,
        poll=poll,
        grace=grace,
    )
    print_banner(found, served, is_short=drain or once)
    check_file(found)
    wait_for_threads("work")  # receivers may have started them
    with failures_of(found, name), command_of_its_own():
        require_answer(partial(ask, found))
        (worker.once if once else worker.drain if drain else worker.run)()
        waits = find_waits(found, receivers or None) if drain or once else ""
    print_line(summary(worker.counts, waits), stream=sys.stderr)
    if (drain or once) and worker.counts["dead"]:
        raise typer.Exit(FOUND)


def _load(names: list[str], url: str | None) -> tuple[Database, str]:
    """Import the modules, and return the database and its name on the command line."""
    references = [each for each in names if names_database(each)]
    found = [find_database(each) for each in references]
    modules = [each for each in names if each not in references]
    if modules or not any(map(is_reference, references)):
        import_all(modules)
    if len(found) > 1:
        raise CommandError("Two databases are named. Run one worker for each.")
    if found:
        return found[0], references[0]
    if url is None:
        raise CommandError(
            "No database is given. Add --database URL, set CLARION_DATABASE, or name an object, "
            "such as shop.db:database."
        )
    return find_database(url), url


def _served(only: Collection[str] | None) -> list[StoredReceiver]:
    """Return the receivers that the worker serves.

    Raises:
        CommandError: if there are no such receivers.
    """
    connected = connected_receivers()
    if not connected:
        raise CommandError(
            "These modules connect no durable receiver. Connect one with "
            "@receiver(signal, delivery=durable), or name the module that does."
        )
    if missing := sorted(set(only or ()) - connected.keys()):
        raise CommandError(
            f"No connected receiver has the name {', '.join(missing)}. The names are: "
            f"{', '.join(sorted(connected))}."
        )
    each_once = {id(each): each for found in connected.values() for each in found}
    return sorted(
        (each for each in each_once.values() if not only or set(only) & set(each.names)),
        key=lambda each: (each.name, each.signal_name),
    )


def print_banner(database: Database, served: list[StoredReceiver], *, is_short: bool) -> None:
    """Print which receivers the worker serves, from which database."""
    print_line(("clarion", "bold"), f" {__version__} works on {database.name}", stream=sys.stderr)
    width = max(len(each.name) for each in served)
    for each in served:
        print_line(
            f"  {each.name:<{width}}  ", (f"on {each.signal_name}", "dim"), stream=sys.stderr
        )
    if not is_short:
        print_line(("Ctrl+C stops it after the running receivers.", "dim"), stream=sys.stderr)
