"""`create`: create the tables of the outbox."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from clarion.cli.databases import opened
from clarion.cli.options import JsonOption, OptionalDatabaseOption
from clarion.cli.output import print_json, print_line, reporting
from clarion.outbox.tables import VERSION, create_tables
from clarion.worker.connections import in_transaction


@reporting()
def create(
    database: OptionalDatabaseOption = None,
    notify: Annotated[
        bool,
        typer.Option(
            "--notify",
            help="PostgreSQL wakes the workers after each commit that stores deliveries, so that they "
            "need not wait for a poll. Other databases ignore it.",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Create the tables that are missing. It may run at each start."""
    with opened(database, is_new=True) as (found, connection):
        in_transaction(connection, partial(create_tables, notify=notify))
    if json:
        print_json({"database": found.name, "version": VERSION})
    else:
        print_line(f"The tables of the outbox are in {found.name}.")
