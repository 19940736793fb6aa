"""`ls` and `show`: the dead deliveries."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING, Annotated

import typer

from clarion._core.commands import command_line
from clarion.cli.databases import opened
from clarion.cli.hints import explain_no_dead
from clarion.cli.options import JsonOption, OptionalDatabaseOption
from clarion.cli.outbox.options import IdArgument, ReceiverOption
from clarion.cli.output import (
    print_json,
    print_line,
    print_lines,
    print_table,
    reporting,
)
from clarion.cli.tables import Column
from clarion.cli.text import pretty
from clarion.outbox import store
from clarion.outbox.ages import since
from clarion.outbox.facts import all_facts_of_dead, count_dead, error_line, facts_of_list

if TYPE_CHECKING:
    from clarion.outbox.delivery_row import Dead

COLUMNS = (
    Column("id", "right"),
    Column("receiver"),
    Column("key"),
    Column("died"),
    Column("failures", "right"),
    Column("error", is_cut=True, style="red"),
)


@reporting()
def list_dead(
    database: OptionalDatabaseOption = None,
    receiver: ReceiverOption = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=1, max=10_000, help="How many at most.")
    ] = 20,
    json: JsonOption = False,
) -> None:
    """List the dead deliveries, oldest first."""
    with opened(database) as (found, connection):
        dead = store.list_dead(connection, receiver=receiver, limit=limit)
        counted = store.waiting(connection)
    total = count_dead(counted, receiver)
    if json:
        print_json(facts_of_list(dead, counted, receiver))
    elif not dead:
        of = f" of {receiver}" if receiver else ""
        print_line(f"No delivery{of} is dead in {found.name}.")
    else:
        print_table(COLUMNS, (_cells(each) for each in dead))
        print_line()
        if total > len(dead):
            print_line(f"{total - len(dead)} more. Raise --limit, or name a --receiver.")
        print_line((f"Show one with `{command_line('outbox show ID')}`.", "dim"))
    explain_no_dead(receiver, counted)


@reporting()
def show(
    row: IdArgument, database: OptionalDatabaseOption = None, json: JsonOption = False
) -> None:
    """Show one dead delivery, with its payload and last traceback."""
    with opened(database) as (_, connection):
        dead = store.find_dead(connection, row)
    if json:
        print_json(all_facts_of_dead(dead))
        return
    for name, value in _lines(dead):
        print_line((f"{name:<10}", "bold"), value)
    print_line()
    print_line(("payload", "bold"))
    print_lines(pretty(dead.envelope.payload))
    print_line()
    print_line(("traceback", "bold"))
    print_lines(dead.error.rstrip())
    print_line()
    commands = (command_line(f"outbox {each} {row}") for each in ("requeue", "discard"))
    print_line(("    ".join(commands), "dim"))


def _cells(dead: Dead) -> tuple[str, ...]:
    return (
        str(dead.id),
        dead.receiver,
        dead.key or "",
        since(dead.died_at),
        str(dead.failures),
        error_line(dead.error),
    )


def _lines(dead: Dead) -> list[tuple[str, str]]:
    envelope = dead.envelope
    headers = json_module.dumps(envelope.headers, ensure_ascii=False)
    return [
        ("id", str(dead.id)),
        ("receiver", dead.receiver),
        ("signal", f"{envelope.signal}, version {envelope.version}"),
        ("key", "none" if dead.key is None else dead.key),
        ("failures", str(dead.failures)),
        ("sent", f"{envelope.created_at:%Y-%m-%d %H:%M:%S} UTC, {since(envelope.created_at)}"),
        ("died", f"{dead.died_at:%Y-%m-%d %H:%M:%S} UTC, {since(dead.died_at)}"),
        ("uid", str(envelope.uid)),
        ("headers", headers if envelope.headers else "none"),
    ]
