"""The database of a command: found by its URL, and its errors in one sentence."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from clarion._core.commands import command_line
from clarion.cli.failures import CommandError
from clarion.cli.imports import import_named, is_reference, open_named, search_here
from clarion.errors import MissingExtraError
from clarion.outbox import SqliteDatabase, open_database
from clarion.outbox.notes import known_cure
from clarion.outbox.open import SCHEMES
from clarion.outbox.urls import split_url
from clarion.worker.answer import ask, require_answer
from clarion.worker.startup import check_outbox

if TYPE_CHECKING:
    from collections.abc import Generator

    from clarion.outbox import Database
    from clarion.outbox.connection import WorkerConnection

# The packages whose errors come from a database.
_PACKAGES = {"sqlite3", "psycopg", "pymysql", "sqlalchemy", "django"}


def find_database(name: str) -> Database:
    """Return the database of a URL, of `module:object`, or of a name that the program knows.

    Raises:
        ClarionError: if there is no such database.
    """
    if is_reference(name):
        return import_database(name)
    opener = open_named.get()
    if opener is not None and "://" not in name:
        return opener(name)
    try:
        return open_database(name)
    except MissingExtraError as error:
        raise CommandError(
            f"{error}\nOr name the program's own database in place of the URL, for example if it uses "
            f"asyncpg: --database shop.db:database"
        ) from error


def import_database(reference: str) -> Database:
    """Return the database of `module:object`, such as `shop.db:database`.

    Raises:
        CommandError: if there is no such object, or if it is no database.
        ArgumentError: if it is a URL without its slashes, such as `sqlite:shop.db`.
    """
    module, _, path = reference.partition(":")
    search_here()
    if module.lower() in SCHEMES and find_spec(module) is None:
        return open_database(reference)
    found: Any = import_named(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    if not all(hasattr(found, each) for each in ("connect", "transaction", "dialect")):
        raise CommandError(
            f"{reference} is no database of an outbox. Name an object that "
            f"clarion.outbox.open_database() or an integration has returned, such as "
            f"clarion.integrations.sqlalchemy.EngineDatabase(engine)."
        )
    return cast("Database", found)


@contextmanager
def opened(
    name: str | None, *, is_new: bool = False, seconds: float | None = None
) -> Generator[tuple[Database, WorkerConnection]]:
    """Yield the database of a command, and a connection to it.

    Args:
        name: its URL, or `module:object`; None if the user has given none.
        is_new: whether its tables may be missing.
        seconds: how long to wait for its server; by default as `require_answer`.

    Raises:
        ClarionError: if the database cannot be used.
    """
    if name is None:
        raise CommandError(
            "No database is given. Name it, such as sqlite:///outbox.db, with --database, or in the variable "
            "CLARION_DATABASE."
        )
    database = find_database(name)
    if not is_new:
        check_file(database)
    with failures_of(database, name):
        require_answer(partial(ask, database), seconds)
    with failures_of(database, name), closing(database.connect()) as connection:
        if not is_new:
            check_outbox(database, connection)
        yield database, connection


def check_file(database: Database) -> None:
    """Refuse a file of SQLite that does not exist, because a connection would create it.

    Raises:
        CommandError: if it does not exist.
    """
    if not isinstance(database, SqliteDatabase):
        return
    try:
        exists = database.path.exists()
    except OSError:  # the user may not look into the directory; a connection will say so
        return
    if not exists:
        raise CommandError(
            f"There is no {database.name.removeprefix('the ')}. Correct the path, or create the file "
            f"with `{command_line('outbox create')}`."
        )


@contextmanager
def failures_of(database: Database, name: str) -> Generator[None]:
    """Turn the errors of a driver into one sentence.

    Args:
        database: the database.
        name: its URL, whose secrets are not printed.

    Raises:
        CommandError: if the block raises such an error.
    """
    try:
        yield
    except Exception as error:
        if not _is_of_a_database(error):
            raise
        raise CommandError(
            f"{_capital(database.name)} cannot be used: {_reason(error, name)}. {_cure(database, error)}"
        ) from error


def _cure(database: Database, error: Exception) -> str:
    known = known_cure(error) or " ".join(getattr(error, "__notes__", ()))
    if known:
        return known
    if database.dialect == "sqlite":
        return "Check the path, the rights of the user, and the space on the disk."
    return "Check the URL, whether the server runs, and the rights of the user."


def _is_of_a_database(error: Exception) -> bool:
    packages = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return isinstance(error, (OSError, sqlite3.Error)) or not packages.isdisjoint(_PACKAGES)


def _reason(error: Exception, url: str) -> str:
    """Return the first line of a driver's message; its type, if the line contains a secret."""
    texts = [each for each in error.args if isinstance(each, str)]
    lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    first = lines[0].rstrip(".") if lines else ""
    if not first or any(secret in first for secret in _secrets(url)):
        return type(error).__name__
    return first


def _secrets(url: str) -> set[str]:
    """Return the parts of a URL that are not to be printed, as written and as decoded."""
    if "://" not in url:
        return set()
    parts = urlsplit(f"server:{split_url(url).rest}")
    found = {parts.password or "", url, *(value for _, value in parse_qsl(parts.query))}
    return {each for part in found for each in (part, unquote(part)) if each}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
