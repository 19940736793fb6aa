"""`requeue`, `discard` and `prune`: change what is stored."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from clarion._core.names import counted
from clarion.cli.databases import opened
from clarion.cli.hints import explain_no_dead
from clarion.cli.options import JsonOption, OptionalDatabaseOption
from clarion.cli.outbox.options import AllOption, IdsArgument, ReceiverOption, YesOption
from clarion.cli.output import FOUND, console, print_error, print_json, print_line, reporting
from clarion.outbox import store
from clarion.outbox.ages import milliseconds
from clarion.worker.upkeep import Selection
from clarion.worker.upkeep import prune as prune_all

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@reporting()
def requeue(
    ids: IdsArgument = None,
    database: OptionalDatabaseOption = None,
    receiver: ReceiverOption = None,
    every: AllOption = False,
    json: JsonOption = False,
) -> None:
    """Queue dead deliveries again.

    They are made before the later ones of their keys.
    """
    selection = Selection(ids, receiver, is_all=every)
    with opened(database) as (_, connection), _progress("delivery", "deliveries") as progress:
        done = selection.change(connection, store.requeue, progress)
        stored = [] if receiver is None or done else store.waiting(connection)
    if json:
        print_json({"requeued": done})
    else:
        print_line(f"{_deliveries(len(done))} requeued.")
    if not done:
        explain_no_dead(receiver, stored)


@reporting()
def discard(
    ids: IdsArgument = None,
    database: OptionalDatabaseOption = None,
    receiver: ReceiverOption = None,
    every: AllOption = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Remove dead deliveries; the later ones of their keys continue."""
    selection = Selection(ids, receiver, is_all=every)
    with opened(database) as (found, connection):
        count = selection.count(connection)
        if count and not yes and not _agrees(count, found.name):
            print_error("Nothing was discarded. Confirm it, or give --yes.")
            raise typer.Exit(FOUND)
        with _progress("delivery", "deliveries") as progress:
            done = selection.change(connection, store.discard, progress)
        stored = [] if receiver is None or done else store.waiting(connection)
    if json:
        print_json({"discarded": done})
    else:
        print_line(f"{_deliveries(len(done))} discarded.")
    if not done:
        explain_no_dead(receiver, stored)


@reporting()
def prune(
    older_than: Annotated[
        str,
        typer.Option(
            "--older-than", metavar="AGE", help="Such as 12h, 7d or 2w.", show_default=False
        ),
    ],
    database: OptionalDatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Remove old sends whose deliveries were all made. Waiting and dead ones stay."""
    age = milliseconds(older_than)
    with opened(database) as (_, connection), _progress("send", "sends") as progress:
        removed = prune_all(connection, age, progress)
    if json:
        print_json({"removed": removed})
    else:
        print_line(f"{removed} {'send' if removed == 1 else 'sends'} removed.")


@contextmanager
def _progress(one: str, many: str) -> Generator[Callable[[int], None]]:
    """Yield a function that shows on a terminal how many are done."""
    with console(sys.stderr).status("") as status:
        yield lambda count: status.update(counted(count, one, many))


def _agrees(count: int, name: str) -> bool:
    """Ask the user; without an answer, return False."""
    question = f"Discard {_deliveries(count)} in {name}? It cannot be undone."
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        return False


def _deliveries(count: int) -> str:
    return f"{count} {'delivery' if count == 1 else 'deliveries'}"
