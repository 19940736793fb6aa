"""`clarion graph`: draw what is connected, or compare it with an earlier state."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clarion._core.printable import safe
from clarion.cli.failures import CommandError
from clarion.cli.hints import explain_empty, print_hint
from clarion.cli.imports import import_all
from clarion.cli.options import (
    EveryOption,
    FileFilter,
    JsonOption,
    ModulesOfReceivers,
    ReceiverFilter,
    SenderFilter,
    SignalFilter,
)
from clarion.cli.output import (
    FOUND,
    print_line,
    print_sentences,
    print_table,
    print_text,
    reporting,
)
from clarion.cli.tables import Column
from clarion.cli.text import as_json
from clarion.errors import ArgumentError
from clarion.graph import (
    Change,
    Filters,
    Graph,
    as_markdown,
    build_graph,
    compare,
    draw,
    filter_graph,
    read_graph,
)
from clarion.graph.formats import FORMATS
from clarion.graph.report import SIGNS, changes_as_json, described, summary

FORMATS_OF_CHANGES = ("text", "json", "markdown")

SUFFIXES = {".mmd": "mermaid", ".dot": "dot", ".gv": "dot", ".json": "json", ".svg": "svg"}
SUFFIXES_OF_CHANGES = {".txt": "text", ".json": "json", ".md": "markdown"}
PICTURES = {".png", ".pdf", ".jpg", ".jpeg", ".gif", ".webp"}

# What Mermaid draws by default; the text of a diagram cannot change it.
MERMAID_EDGES, MERMAID_CHARACTERS = 500, 50_000

COLUMNS = (Column("", style="bold"), Column("signal"), Column("receiver"), Column("what"))


@reporting()
def graph(
    modules: ModulesOfReceivers = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="mermaid, dot, json or svg; with --diff: text, json or markdown. By default, as the name of FILE ends.",
            show_default=False,
        ),
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The file to write, instead of standard output."
        ),
    ] = None,
    diff: Annotated[
        Path | None,
        typer.Option(
            metavar="OLD.json",
            help="Compare with an earlier graph in JSON. The exit code is 1 if something differs.",
        ),
    ] = None,
    signal: SignalFilter = "",
    sender: SenderFilter = "",
    receiver: ReceiverFilter = "",
    file: FileFilter = "",
    every: EveryOption = False,
    json: JsonOption = False,
) -> None:
    """Draw which receivers listen to which signals, or compare graphs."""
    form = _form_of(
        form or _form_of_file(output, diff),
        FORMATS_OF_CHANGES if diff else tuple(FORMATS),
        is_json=json,
    )
    old = None if diff is None else _read(diff)
    import_all(modules)
    filters = Filters(signal, sender, receiver, file)
    found = build_graph(filters, every=every)
    if old is None:
        _draw(found, form, output)
        if not found.signals:
            explain_empty(filters, every=every)
        return
    changes = compare(filter_graph(old, filters), found)
    if form == "text" and output is None:
        _print(changes)
    else:
        _put(_text_of(changes, form), output)
    if changes:
        raise typer.Exit(FOUND)


def _form_of_file(output: Path | None, diff: Path | None) -> str:
    """Return the format that the suffix of the file names; empty for another suffix.

    Raises:
        CommandError: if it is a picture of a kind that Clarion does not write.
    """
    suffix = "" if output is None else output.suffix.lower()
    if diff is None and suffix in PICTURES:
        raise CommandError(
            f"clarion graph does not write {suffix[1:].upper()}. Write .svg, or use Graphviz: "
            f"clarion graph ... --format dot | dot -T{suffix[1:]} > {output}"
        )
    known = SUFFIXES_OF_CHANGES if diff else SUFFIXES
    return known.get(suffix, "")


def _draw(graph: Graph, form: str, output: Path | None) -> None:
    text = draw(graph, form)
    _put(text, output)
    edges = len(graph.links) + len(graph.connections)
    if form == "mermaid" and (edges > MERMAID_EDGES or len(text) > MERMAID_CHARACTERS):
        print_hint(
            f"Mermaid draws at most {MERMAID_EDGES} lines and {MERMAID_CHARACTERS:,} characters, unless the page "
            f"that shows it allows more. This graph has {edges} lines and {len(text):,} characters. Choose a part "
            f"with --signal or --receiver, or write it with --format svg."
        )


def _form_of(form: str, known: tuple[str, ...], *, is_json: bool) -> str:
    """Return the format of the output.

    Raises:
        CommandError: if there is no such format.
    """
    if is_json and form not in {"", "json"}:
        raise CommandError("--json and --format name different formats. Give one of them.")
    chosen = "json" if is_json else form or known[0]
    if chosen not in known:
        raise CommandError(f"The format {chosen} is unknown here. Choose: {', '.join(known)}.")
    return chosen


def _read(path: Path) -> Graph:
    """Return the graph in a file.

    Raises:
        CommandError: if it cannot be read.
    """
    try:
        return read_graph(path.read_bytes())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    except ArgumentError as error:
        raise CommandError(f"{path} cannot be compared. {error}") from None


def _put(text: str, output: Path | None) -> None:
    """Print text, or write it to a file.

    Raises:
        CommandError: if the file cannot be written.
    """
    if output is None:
        print_text(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}.") from None


def _text_of(changes: list[Change], form: str) -> str:
    if form == "json":
        return as_json(changes_as_json(changes)) + "\n"
    if form == "markdown":
        return as_markdown(changes)
    lines = [safe("  ".join(_row(each))) for each in changes]
    return "\n".join([*lines, summary(changes)]) + "\n"


def _print(changes: list[Change]) -> None:
    if changes:
        print_table(COLUMNS, map(_row, changes))
        print_line()
    print_sentences(summary(changes))


def _row(change: Change) -> tuple[str, ...]:
    found = change.connection
    return (SIGNS[change.kind], found.signal, found.receiver, described(change))
