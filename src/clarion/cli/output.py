"""What the commands print: tables for people, JSON for programs, errors in one sentence."""

from __future__ import annotations

import os
import sys
import textwrap
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, NamedTuple

import typer
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from clarion.cli.failures import CommandError
from clarion.cli.text import as_json, fold, safe, safe_lines
from clarion.errors import ClarionError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from typing import Literal, TextIO

FOUND = 1  # the exit code if a person has to act
FAILED = 2  # the exit code if the command has failed

HANGING = "    "  # before the further lines of a sentence

WIDTH_OF_A_PIPE = 200  # columns: the tables have their natural width there


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        title: its heading.
        justify: "left", or "right" for numbers.
        is_cut: whether a text that is too long ends with an ellipsis. Otherwise it is folded.
        style: the colour, as Rich names it.
    """

    title: str
    justify: Literal["left", "right"] = "left"
    is_cut: bool = False
    style: str = ""


def console(stream: TextIO | None = None) -> Console:
    """Return a console that interprets nothing in the text, for standard output or a stream."""
    file = sys.stdout if stream is None else stream
    is_fixed = file.isatty() or "COLUMNS" in os.environ
    return Console(
        file=file,
        width=None if is_fixed else WIDTH_OF_A_PIPE,
        markup=False,
        highlight=False,
        emoji=False,
    )


def print_line(*parts: str | tuple[str, str], stream: TextIO | None = None) -> None:
    """Print one line of parts, each a text, or a text and its style."""
    cleaned = [safe(part) if isinstance(part, str) else (safe(part[0]), part[1]) for part in parts]
    console(stream).print(Text.assemble(*cleaned), soft_wrap=True)


def print_lines(text: str, stream: TextIO | None = None) -> None:
    """Print text of several lines."""
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
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(
            column.title,
            justify=column.justify,
            style=column.style,
            overflow="fold",
            no_wrap=column.justify == "right",  # a number is never folded
        )
    for row in rows:
        table.add_row(*(_cell(each, text) for each, text in zip(columns, row, strict=True)))
    console().print(table)


def _cell(column: Column, text: str) -> Text | _Folded:
    # The cell is cut, not the column: Rich would not make such a column narrower than its text.
    return (
        Text(safe(text), no_wrap=True, overflow="ellipsis")
        if column.is_cut
        else _Folded(safe(text))
    )


class _Folded:
    """A text that is broken between the parts of names. Rich would break it anywhere."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, Text(self._text))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        yield Text("\n".join(fold(self._text, options.max_width)), overflow="fold")


def print_json(value: Any) -> None:
    """Print a value as JSON, in ASCII."""
    typer.echo(as_json(value))


def print_error(message: str, details: str = "") -> None:
    """Print an error to standard error."""
    if details:
        print_lines(details, sys.stderr)
    print_sentences(f": {message}", ("error", "bold red"), sys.stderr)


@contextmanager
def reporting() -> Generator[None]:
    """Print the errors of a user as one sentence, and end with the exit code 2.

    Raises:
        typer.Exit: after such an error.
    """
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
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
