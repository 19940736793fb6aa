"""What the commands print: tables for people, JSON for programs, errors in one sentence."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import typer

from clarion._core.printable import safe, safe_lines
from clarion.cli.failures import CommandError
from clarion.cli.streams import keep_output, standard_output
from clarion.cli.tables import Column, Line, table_lines
from clarion.cli.text import as_json
from clarion.errors import ClarionError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from typing import TextIO

    from rich.console import Console

FOUND = 1  # the exit code if a person has to act
FAILED = 2  # the exit code if the command has failed

HANGING = "    "  # before the further lines of a sentence

WIDTH_OF_A_PIPE = 200  # columns: the tables have their natural width there
WIDTH_OF_A_TERMINAL = 80  # columns of one whose width is unknown


def console(stream: TextIO | None = None) -> Console:
    """Return a console that interprets nothing in the text, for standard output or a stream."""
    from rich.console import Console  # a shell that completes a name prints without Rich

    file = standard_output() if stream is None else stream
    options: dict[str, Any] = {"markup": False, "highlight": False, "emoji": False}
    if os.environ.get("NO_COLOR"):
        options["color_system"] = None  # Rich alone would still print bold text
    return Console(file=file, width=_width_of(file), **options)


def _width_of(file: TextIO) -> int:
    """Return the columns of a terminal, or those that COLUMNS names; many in a pipe."""
    named = os.environ.get("COLUMNS", "")
    if named.isascii() and named.isdigit() and int(named) > 0:  # some terminals name 0
        return int(named)
    if not file.isatty():
        return WIDTH_OF_A_PIPE
    try:
        return os.get_terminal_size(file.fileno()).columns or WIDTH_OF_A_TERMINAL
    except (OSError, ValueError):  # a stream of a test
        return WIDTH_OF_A_TERMINAL


def print_line(*parts: str | tuple[str, str], stream: TextIO | None = None) -> None:
    """Print one line of parts, each a text, or a text and its style."""
    from rich.text import Text

    cleaned = [safe(part) if isinstance(part, str) else (safe(part[0]), part[1]) for part in parts]
    console(stream).print(Text.assemble(*cleaned), soft_wrap=True)


def print_lines(text: str, stream: TextIO | None = None) -> None:
    """Print text of several lines."""
    from rich.text import Text

    console(stream).print(Text(safe_lines(text)), soft_wrap=True)


def print_sentences(
    text: str, lead: tuple[str, str] | None = None, stream: TextIO | None = None
) -> None:
    """Print sentences; in a terminal, break long lines between words, and indent what follows.

    Args:
        text: one or more lines.
        lead: a text before them, and its style.
        stream: standard output by default.
    """
    from rich.text import Text

    to = console(stream)
    head = [lead] if lead else []
    taken = len(lead[0]) if lead else 0
    shown = "\n".join(map(_filled(to, taken), safe_lines(text).split("\n")))
    to.print(Text.assemble(*head, shown), soft_wrap=True)


def _filled(to: Console, taken: int) -> Callable[[str], str]:
    """Return a function that breaks a line between words, if it is for a terminal."""

    def fill(line: str) -> str:
        if not to.is_terminal:
            return line
        indent = " " * (len(line) - len(line.lstrip()))
        return textwrap.fill(
            f"{'x' * taken}{line}",
            max(20, to.width),
            initial_indent="",
            subsequent_indent=f"{indent}{HANGING}",
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
        )[taken:]

    return fill


def print_table(columns: Sequence[Column], rows: Iterable[Iterable[str]]) -> None:
    """Print a table, as wide as the terminal at most."""
    to = console()
    _print_lines_of(to, table_lines(columns, rows, to.width))


def print_tables(
    columns: Sequence[Column], tables: Iterable[tuple[str, Iterable[Iterable[str]]]]
) -> None:
    """Print tables with the same columns, each below its title; without rows, the title only."""
    to = console()
    lines: list[Line] = []
    for title, rows in tables:
        lines.append([(safe(title), "bold")])
        lines += table_lines(columns, rows, to.width)
    _print_lines_of(to, lines)


def _print_lines_of(to: Console, lines: Iterable[Line]) -> None:
    from rich.segment import Segment, Segments

    # Once for all lines, because a call of Rich costs more than a line.
    segments = [
        each
        for line in lines
        for each in (*(Segment(text, to.get_style(style)) for text, style in line), Segment.line())
    ]
    to.print(Segments(segments), soft_wrap=True, end="")


def print_json(value: Any) -> None:
    """Print a value as JSON, in ASCII."""
    print_text(as_json(value) + "\n")


def print_text(text: str) -> None:
    """Print text as it is."""
    typer.echo(text, standard_output(), nl=False)


def print_error(message: str, details: str = "") -> None:
    """Print an error to standard error."""
    if details:
        print_lines(details, sys.stderr)
    print_sentences(f": {message}", ("error", "bold red"), sys.stderr)


@contextmanager
def failures_as_json(*, is_wanted: bool) -> Generator[None]:
    """Print the sentence of an error that ends the command as JSON, too, if the user wants JSON."""
    try:
        yield
    except SystemExit as error:
        if is_wanted and error.code == FAILED:
            _print_failure(error)
        raise


def _print_failure(error: BaseException) -> None:
    cause: BaseException | None = error
    while cause is not None:
        # The error of a wrong option is one of Typer or of Click; which one, depends on the version.
        described: Any = getattr(cause, "format_message", None)
        if isinstance(cause, ClarionError) or described is not None:
            text = str(cause) if described is None else described()
            print_text(json.dumps({"error": text}) + "\n")  # one line, as the events of `tail`
            return
        cause = cause.__context__


@contextmanager
def reporting(*, keeps_output: bool = True) -> Generator[None]:
    """Print the errors of a user as one sentence, and end with the exit code 2.

    Args:
        keeps_output: whether what the user's modules print goes to standard error.

    Raises:
        typer.Exit: after such an error.
    """
    if keeps_output:
        keep_output()
    try:
        yield
    except CommandError as error:
        print_error(str(error), error.details)
        raise typer.Exit(FAILED) from None
    except ClarionError as error:
        print_error(str(error))
        raise typer.Exit(FAILED) from None


def prepare_streams() -> None:
    """Open the standard streams that are closed; escape the characters that their encoding lacks."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # as after >&-
            nowhere = os.open(os.devnull, os.O_WRONLY)
            # Others may replace the stream, which warns of a file that is not closed.
            setattr(sys, name, open(nowhere, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
