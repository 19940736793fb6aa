"""All commands."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import rich  # noqa: F401  # pyright: ignore[reportUnusedImport]  # refused here where it is missing
import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from clarion._core.commands import PROGRAM, output_failures_end, run_as
from clarion.cli.bash_words import join_words_of_bash
from clarion.cli.completion import is_completing
from clarion.cli.imports import is_in_program, open_named
from clarion.cli.output import FAILED, failures_as_json, prepare_streams
from clarion.cli.streams import is_for_command
from clarion.cli.threads import end_in_spite_of_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from clarion.outbox import Database

# The first sentences of their help, which a list of the commands shows without importing them.
SUMMARIES = {
    "ls": "List the signals and their receivers, in the order of a send.",
    "explain": "Show which receivers a send would call, and why not the others.",
    "graph": "Draw which receivers listen to which signals, or compare graphs.",
    "tail": "Show the sends and deliveries of running programs.",
    "doctor": "Look for receivers that never run, and for calls that get lost.",
    "work": "Make the stored deliveries of durable receivers.",
    "outbox": "Inspect, requeue and remove stored deliveries.",
}

_SETTINGS: dict[str, Any] = {
    "rich_markup_mode": None,
    # A traceback with the values of local variables would show secrets.
    "pretty_exceptions_enable": False,
}


def _program_of(name: str) -> typer.Typer:
    """Return a command, or a group of them, alone.

    Only its own module is imported. So a shell that completes a name, and a command without a database, need not wait
    for what the others import.
    """
    if name == "outbox":
        from clarion.cli.outbox.group import outbox

        return outbox
    alone = typer.Typer(add_completion=False, **_SETTINGS)
    alone.command(name)(_function_of(name))
    return alone


def _function_of(name: str) -> Callable[..., None]:
    if name == "graph":
        from clarion.cli.graph import graph

        return graph
    if name == "tail":
        from clarion.cli.tail import tail

        return tail
    if name == "doctor":
        from clarion.cli.doctor import doctor

        return doctor
    if name == "work":
        from clarion.cli.work import work

        return work
    from clarion.cli.signals import explain_command, ls

    return ls if name == "ls" else explain_command


class _Commands(Mapping[str, Any]):
    """The commands by their names; each is loaded when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        if name not in SUMMARIES:
            raise KeyError(name)
        return get_command(_program_of(name))

    def __iter__(self) -> Iterator[str]:
        return iter(SUMMARIES)

    def __len__(self) -> int:
        return len(SUMMARIES)


class _Group(TyperGroup):
    """The command `clarion`, which loads the others one by one."""

    def __init__(self, **options: Any) -> None:
        commands: Any = _Commands()  # Typer only reads it as a dictionary
        options["commands"] = commands
        super().__init__(**options)
        self._is_listing = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names of the commands, in the order of the help."""
        return [*SUMMARIES]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; in a list of them, one with its summary only."""
        if self._is_listing:
            return TyperCommand(cmd_name, help=SUMMARIES[cmd_name])
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of the commands."""
        with self._listing():
            super().format_commands(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Return the commands and options that begin with a text."""
        with self._listing():
            return super().shell_complete(ctx, incomplete)

    @contextmanager
    def _listing(self) -> Generator[None]:
        self._is_listing = True
        try:
            yield
        finally:
            self._is_listing = False


app = typer.Typer(
    name="clarion",
    cls=_Group,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    **_SETTINGS,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from clarion._core.version import __version__  # it reads the metadata of the package

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
    from clarion.cli.outbox.group import COMMANDS

    default = {"database": name}
    return {"work": default, "outbox": dict.fromkeys(COMMANDS, default)}


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
