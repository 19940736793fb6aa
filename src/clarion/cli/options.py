"""The options that several commands have."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from clarion.cli.completion import (
    complete_durable,
    complete_modules,
    complete_receivers,
    complete_senders,
    complete_signals,
)

_database = typer.Option(
    "--database",
    "-d",
    metavar="URL",
    envvar="CLARION_DATABASE",
    help="The database: a URL, or module:object.",
    show_default=False,
)
OptionalDatabaseOption = Annotated[str | None, _database]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

# --- Of `clarion ls`, `explain`, `graph` and `doctor`

ModulesOfReceivers = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODULE",
        help="The modules that connect the receivers, such as shop.receivers.",
        show_default=False,
        autocompletion=complete_modules,
    ),
]


def _filter(name: str, short: str, subject: str, completed: Any = None) -> Any:
    return typer.Option(
        name,
        short,
        metavar="TEXT",
        help=f"Only {subject} contains this.",
        show_default=False,
        autocompletion=completed,
    )


SignalFilter = Annotated[
    str, _filter("--signal", "-s", "signals whose dotted name", complete_signals)
]
SenderFilter = Annotated[
    str, _filter("--sender", "-S", "senders whose dotted name", complete_senders)
]
ReceiverFilter = Annotated[
    str, _filter("--receiver", "-r", "receivers whose dotted name", complete_receivers)
]
FileFilter = Annotated[str, _filter("--file", "-f", "files whose path")]

EveryOption = Annotated[bool, typer.Option("--all", help="Also signals without receivers.")]

# --- Of `clarion work`

ModulesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODULE",
        help="The modules that connect receivers; a URL or module:object for the database.",
        show_default=False,
        autocompletion=complete_modules,
    ),
]

ReceiversOption = Annotated[
    list[str] | None,
    typer.Option(
        "--receiver",
        "-r",
        metavar="NAME",
        help="Only this receiver; may be repeated.",
        show_default=False,
        autocompletion=complete_durable,
    ),
]

DrainOption = Annotated[
    bool,
    typer.Option(
        "--drain",
        help="Make the deliveries that can be made now, then end. The exit code is 1 if one was given up.",
    ),
]

OnceOption = Annotated[
    bool,
    typer.Option(
        "--once",
        help="Look once, make what is found, then end. The exit code is 1 if one was given up.",
    ),
]

ConcurrencyOption = Annotated[
    int,
    typer.Option(
        "--concurrency", "-c", metavar="N", min=1, help="How many jobs run at the same time."
    ),
]

BatchOption = Annotated[
    int, typer.Option(metavar="N", min=1, help="How many deliveries a job takes at most.")
]

LeaseOption = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0.1,
        help="When others take over the deliveries of a worker that has died.",
    ),
]

PollOption = Annotated[
    float,
    typer.Option(
        metavar="SECONDS", min=0.001, help="How long it waits before it looks for deliveries again."
    ),
]

GraceOption = Annotated[
    float,
    typer.Option(metavar="SECONDS", min=0.0, help="How long running receivers may take to end."),
]
