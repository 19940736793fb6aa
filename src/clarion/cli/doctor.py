"""`clarion doctor`: look for receivers that can never run."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import typer

from clarion._core.names import counted
from clarion.cli.databases import check_file, failures_of, find_database
from clarion.cli.imports import import_all
from clarion.cli.options import JsonOption, ModulesOfReceivers, OptionalDatabaseOption
from clarion.cli.output import FOUND, print_json, print_line, print_sentences, reporting
from clarion.doctor import examine
from clarion.outbox import SqliteDatabase
from clarion.outbox.default import default_writer
from clarion.worker.answer import ask, require_answer

if TYPE_CHECKING:
    from clarion.doctor import Finding
    from clarion.outbox import Database

INDENT = "     "


@reporting()
def doctor(
    modules: ModulesOfReceivers = None,
    database: OptionalDatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Look for receivers that never run, and for calls that get lost.

    The exit code is 1 if something was found.
    """
    import_all(modules)
    if database is None:
        given = _default_database()
        failures = nullcontext() if given is None else failures_of(given, given.name)
    else:
        given = find_database(database)
        check_file(given)
        failures = failures_of(given, database)
    with failures:
        if given is not None:
            require_answer(partial(ask, given))
        found = examine(modules or (), databases=() if given is None else (given,))
    if json:
        print_json([asdict(each) for each in found])
    else:
        _print(found)
    if found:
        raise typer.Exit(FOUND)


def _default_database() -> Database | None:
    """Return the database that the program has set; None if its file was not created yet."""
    writer = default_writer()
    database = None if writer is None else writer.database
    is_missing = isinstance(database, SqliteDatabase) and not database.path.exists()
    return None if is_missing else database


def _print(found: list[Finding]) -> None:
    for each in found:
        print_line((each.code, "yellow"), " ", (each.place or each.subject, "bold"))
        print_sentences(f"{INDENT}{each.problem}")
        print_sentences(f"{INDENT}Cure: {each.cure}")
        print_line()
    if not found:
        print_line("Nothing was found.")
    else:
        print_line(f"{counted(len(found), 'finding', 'findings')}.")
