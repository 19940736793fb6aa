"""The options that several commands of `clarion outbox` have."""

from __future__ import annotations

from typing import Annotated

import typer

from clarion.cli.outbox.completion import complete_dead, complete_stored
from clarion.worker.upkeep import LARGEST_ID

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

IdsArgument = Annotated[
    list[int] | None,
    typer.Argument(
        metavar="ID",
        min=1,
        max=LARGEST_ID,
        help="The ids, as `outbox ls` lists them.",
        show_default=False,
        autocompletion=complete_dead,
    ),
]

IdArgument = Annotated[
    int,
    typer.Argument(
        metavar="ID",
        min=1,
        max=LARGEST_ID,
        help="The id, as `outbox ls` lists it.",
        show_default=False,
        autocompletion=complete_dead,
    ),
]

ReceiverOption = Annotated[
    str | None,
    typer.Option(
        "--receiver",
        "-r",
        metavar="NAME",
        help="All dead deliveries of this receiver.",
        show_default=False,
        autocompletion=complete_stored,
    ),
]

AllOption = Annotated[bool, typer.Option("--all", help="All dead deliveries.")]
