"""`status`: count the waiting and the dead deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from clarion._core.commands import command_line
from clarion.cli.databases import opened
from clarion.cli.options import JsonOption, OptionalDatabaseOption
from clarion.cli.output import (
    FOUND,
    print_json,
    print_line,
    print_table,
    reporting,
)
from clarion.cli.tables import Column
from clarion.outbox import store
from clarion.outbox.ages import since
from clarion.outbox.facts import facts_of_database, note_of_keys, note_of_suspects
from clarion.outbox.waits import list_suspects

if TYPE_CHECKING:
    from clarion.outbox.delivery_row import Suspect, Waiting

COLUMNS = (
    Column("receiver"),
    Column("waiting", "right"),
    Column("first due"),
    Column("failing", "right", style="yellow"),
    Column("dead", "right", style="red"),
)
SUSPECTS = (
    Column("id", "right"),
    Column("receiver"),
    Column("signal"),
    Column("key"),
    Column("lost workers", "right", style="yellow"),
)
SHOWN = 10  # suspects


@reporting()
def status(database: OptionalDatabaseOption = None, json: JsonOption = False) -> None:
    """Count the deliveries of each receiver. The exit code is 1 if some are dead."""
    with opened(database) as (found, connection):
        counted = store.waiting(connection)
        keys = note_of_keys(counted, store.list_dead(connection))
        suspects = list_suspects(connection)
    dead = sum(each.dead for each in counted)
    if json:
        print_json(facts_of_database(found.name, counted, suspects))
    else:
        _print(found.name, counted, dead, keys)
        _print_suspects(counted, suspects[:SHOWN])
    if dead:
        raise typer.Exit(FOUND)


def _print(name: str, counted: list[Waiting], dead: int, keys: str) -> None:
    if not counted:
        print_line(f"No delivery waits in {name}, and none is dead.")
        return
    if any(each.suspects for each in counted):
        columns = (*COLUMNS, Column("suspects", "right", style="yellow"))
        print_table(columns, ((*_cells(each), str(each.suspects or "")) for each in counted))
    else:
        print_table(COLUMNS, (_cells(each) for each in counted))
    print_line()
    print_line((f"In {name}.", "dim"))
    if dead:
        print_line(
            (f"{dead} dead.", "bold red"), f" List them with `{command_line('outbox ls')}`.{keys}"
        )


def _print_suspects(counted: list[Waiting], suspects: list[Suspect]) -> None:
    if not suspects:
        return
    print_line()
    print_line((note_of_suspects(counted), "yellow"))
    print_table(SUSPECTS, (_cells_of_suspect(each) for each in suspects))
    if more := sum(each.suspects for each in counted) - len(suspects):
        print_line(f"{more} more.")


def _cells_of_suspect(suspect: Suspect) -> tuple[str, ...]:
    return (
        str(suspect.id),
        suspect.receiver,
        suspect.signal,
        suspect.key or "",
        str(suspect.lost_workers),
    )


def _cells(counts: Waiting) -> tuple[str, ...]:
    return (
        counts.receiver,
        str(counts.deliveries),
        "" if counts.oldest is None else since(counts.oldest),
        str(counts.failing or ""),
        str(counts.dead or ""),
    )
