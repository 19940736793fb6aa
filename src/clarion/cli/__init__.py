"""The command line: `clarion`, or `python -m clarion`.

In reading order; each module imports only from those above it:

1. `text`, `failures`: text without control characters, errors that a user reads.
   `threads`: the end of the process, although a thread still runs. `streams`: standard output, which the
   user's modules do not write to.
2. `tables`: the lines of a table. `output`: tables, JSON and errors, on a terminal or in a pipe. `hints`: why
   a list is empty.
3. `import_errors`, `imports`, `databases`: the user's modules, and the database of a command. `module_names`,
   `bash_words`, `completion`, `options`: the completion of names in a shell, and the options of several commands.
4. `outbox`: the commands for stored deliveries. `work`: the command that runs a worker. `signals`, `graph`:
   the commands that show the receivers. `tail`: the command that shows sends. `doctor`: the command that
   looks for receivers that never run.
5. `app`: all commands together.

Typer and Rich are imported here only, and never by another package.

Exit codes: 0 if all is well, 1 if a person has to act or something differs, 2 if the command has
failed.

Never put here: a rule or a query that a program could need. It belongs in the package below.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from clarion.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clarion.outbox import Database

PACKAGES = ("typer", "rich")


def main(
    arguments: Sequence[str] | None = None,
    *,
    in_program: str = "",
    databases: Callable[[str], Database] | None = None,
    database: str | None = None,
    is_process: bool | None = None,
    keeps_output: bool = False,
) -> None:
    """Run the command line, and end the process with its exit code.

    Args:
        arguments: the arguments; by default those of the process.
        in_program: how the help names the command, in a program that has imported its receivers.
        databases: opens a database by the name that this program gives it.
        database: the name of its database, unless the arguments or CLARION_DATABASE name one.
        is_process: whether the process ends with the command, although threads still run; by default, if
            `arguments` is None.
        keeps_output: whether what the user's modules print goes to standard error until the process ends. Then
            nothing but the command prints to standard output.
    """
    try:
        from clarion.cli.app import run
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        if package not in PACKAGES:
            raise
        missing = MissingExtraError.because(error, package, "cli", needed_by="The command line")
        sys.stderr.write(f"error: {missing}\n")
        if "--json" in (sys.argv[1:] if arguments is None else arguments):
            sys.stdout.write(f"{json.dumps({'error': str(missing)})}\n")
        sys.exit(2)
    is_process = arguments is None if is_process is None else is_process
    run(
        arguments,
        in_program,
        databases=databases,
        database=database,
        is_process=is_process,
        keeps_output=keeps_output,
    )
