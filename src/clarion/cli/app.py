"""All commands."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.main import get_group

from clarion._core.commands import PROGRAM, output_failures_end, run_as
from clarion._core.version import __version__
from clarion.cli.bash_words import join_words_of_bash
from clarion.cli.completion import is_completing
from clarion.cli.databases import open_named
from clarion.cli.doctor import doctor
from clarion.cli.graph import graph
from clarion.cli.imports import is_in_program
from clarion.cli.outbox.group import outbox
from clarion.cli.output import FAILED, failures_as_json, prepare_streams
from clarion.cli.signals import explain_command, ls
from clarion.cli.streams import is_for_command
from clarion.cli.tail import tail
from clarion.cli.threads import end_in_spite_of_threads
from clarion.cli.work import work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clarion.outbox import Database

app = typer.Typer(
    name="clarion",
    rich_markup_mode=None,
    no_args_is_help=True,
    # A traceback with the values of local variables would show secrets.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(outbox)
app.command()(ls)
app.command("explain")(explain_command)
app.command()(graph)
app.command()(tail)
app.command()(doctor)
app.command()(work)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"clarion {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Django's signals for every Python program."""


def _default_databases(name: str) -> dict[str, Any]:
    """Return the defaults of the commands that cannot work without a database."""
    default = {"database": name}
    return {"work": default, "outbox": dict.fromkeys(get_group(outbox).commands, default)}


def run(
    arguments: Sequence[str] | None = None,
    in_program: str = "",
    *,
    databases: Callable[[str], Database] | None = None,
    database: str | None = None,
    is_process: bool = False,
    keeps_output: bool = False,
) -> None:
    """Run a command, and end the process with its exit code.

    Args:
        arguments: the arguments; by default those of the process.
        in_program: how the help names the command, in a program that has imported its receivers.
        databases: opens a database by the name that this program gives it.
        database: the name of its database, unless the arguments or CLARION_DATABASE name one.
        is_process: whether the process ends with the command, whatever its threads do.
        keeps_output: whether what the modules print goes to standard error until the process ends.
    """
    prepare_streams()
    join_words_of_bash()
    program = in_program or PROGRAM
    tokens = is_in_program.set(bool(in_program)), open_named.set(databases)
    is_kept = is_for_command.set(keeps_output)
    is_json = "--json" in (sys.argv[1:] if arguments is None else arguments)
    defaults = {} if database is None else _default_databases(database)
    try:
        with output_failures_end(), run_as(program), failures_as_json(is_wanted=is_json):
            app(arguments, prog_name=program, default_map=defaults)
    except SystemExit as error:
        if is_process:
            code = error.code if isinstance(error.code, int) else FAILED
            end_in_spite_of_threads(code, is_silent=is_completing())
        raise
    finally:
        is_in_program.reset(tokens[0])
        open_named.reset(tokens[1])
        is_for_command.reset(is_kept)
