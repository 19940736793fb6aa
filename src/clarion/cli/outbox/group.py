"""The commands of `clarion outbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from clarion.cli.outbox.changes import discard, prune, requeue
from clarion.cli.outbox.database_argument import DatabaseCommand
from clarion.cli.outbox.dead import list_dead, show
from clarion.cli.outbox.status import status
from clarion.cli.outbox.tables import create

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS: dict[str, Callable[..., None]] = {
    "create": create,
    "status": status,
    "ls": list_dead,
    "show": show,
    "requeue": requeue,
    "discard": discard,
    "prune": prune,
}

outbox = typer.Typer(
    name="outbox",
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    # A traceback with the values of local variables would show secrets.
    pretty_exceptions_enable=False,
    help="Inspect, requeue and remove stored deliveries.",
)
for _name, _function in COMMANDS.items():
    outbox.command(_name, cls=DatabaseCommand)(_function)
