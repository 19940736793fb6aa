"""The commands of `clarion outbox`."""

from __future__ import annotations

import typer

from clarion.cli.outbox.changes import discard, prune, requeue
from clarion.cli.outbox.dead import list_dead, show
from clarion.cli.outbox.status import status
from clarion.cli.outbox.tables import create

outbox = typer.Typer(
    name="outbox",
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Inspect, requeue and remove stored deliveries.",
)
outbox.command()(create)
outbox.command()(status)
outbox.command("ls")(list_dead)
outbox.command()(show)
outbox.command()(requeue)
outbox.command()(discard)
outbox.command()(prune)
