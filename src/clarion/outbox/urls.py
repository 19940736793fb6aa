"""The URL of a database, as its driver takes it or as SQLAlchemy writes it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from clarion._core.names import quoted_name
from clarion._core.printable import safe
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike
    from typing import Any

# Not by `urlsplit`: it finds no scheme in `postgresql+psycopg_async`, because of the underscore.
_URL = re.compile(r"\s*([a-z][a-z0-9.-]*)(?:\+(\w*))?:(.*?)\s*", re.DOTALL | re.IGNORECASE)

_LONGEST_WAIT = (2**31 - 1) / 1000  # seconds; with more, SQLite does not wait at all

_YES_OR_NO = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class Url(NamedTuple):
    """The parts of a URL that each kind of database has.

    Attributes:
        scheme: the kind of database, in lower case.
        driver: the driver after `+`, as SQLAlchemy writes it; empty without one.
        rest: what follows the colon after both.
    """

    scheme: str
    driver: str
    rest: str


class Server(NamedTuple):
    """The parts of the URL of a server, decoded.

    Attributes:
        host: the host, or None.
        port: the port, or None.
        user: the user, or None.
        password: the password, or None.
        database: the name of the database; empty without one.
        options: the options after `?`.
    """

    host: str | None
    port: int | None
    user: str | None
    password: str | None
    database: str
    options: dict[str, str]


def split_url(url: object) -> Url:
    """Return the parts of a URL.

    Raises:
        ArgumentError: if it is no text. Its scheme is empty if the text is no URL.
    """
    if type(url) is not str:
        raise not_a_url("is no text")
    found = _URL.fullmatch(url)
    if found is None:
        return Url("", "", url)
    return Url(found[1].lower(), found[2] or "", found[3])


def split_server(rest: str) -> Server:
    """Return the parts of the URL of a server.

    Args:
        rest: what follows the scheme.

    Raises:
        ArgumentError: if it cannot be read.
    """
    try:
        parts = urlsplit(f"server:{rest}")
        port = parts.port
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        raise unreadable() from None
    if parts.fragment or not rest.startswith("//"):
        raise unreadable()
    return Server(
        parts.hostname,
        port,
        None if parts.username is None else unquote(parts.username),
        None if parts.password is None else unquote(parts.password),
        unquote(parts.path[1:]),
        options,
    )


def sqlite_file(rest: str) -> tuple[str, dict[str, str]]:
    """Return the path in a URL of SQLite, and its options.

    Args:
        rest: what follows the scheme.

    Raises:
        ArgumentError: if it names no file.
    """
    place, _, query = rest.partition("?")
    path = unquote(place.removeprefix("///"))
    if not place.startswith("///") or not path:
        raise not_a_url("names no file. For a relative path, write three slashes")
    if path == ":memory:":
        raise not_a_url(
            "names a database in memory, which each connection has for itself. Name a file"
        )
    return path, dict(parse_qsl(query, keep_blank_values=True))


def read_options(
    options: Mapping[str, str], known: Mapping[str, Callable[[str], Any]]
) -> dict[str, Any]:
    """Return the options of a URL as the driver takes them.

    Args:
        options: the options as written.
        known: what reads each of those that are possible.

    Raises:
        ArgumentError: if an option is unknown, or has another kind of value.
    """
    found: dict[str, Any] = {}
    for name, text in options.items():
        if name not in known:
            raise not_a_url(
                f"has the option {quoted_name(name)}, which is not supported here. Remove it, or use one of: "
                f"{', '.join(sorted(known))}"
            )
        try:
            found[name] = known[name](text)
        except ValueError:
            raise not_a_url(f"has a wrong value of the option {quoted_name(name)}") from None
    return found


def yes_or_no(text: str) -> bool:
    """Return whether an option is on.

    Raises:
        ValueError: if the text says neither.
    """
    try:
        return _YES_OR_NO[text.lower()]
    except KeyError:
        raise ValueError from None


def seconds(text: str) -> float:
    """Return a number of seconds, as SQLite can wait.

    Raises:
        ValueError: if it is no number, negative, or more than SQLite can count in milliseconds.
    """
    number = float(text)
    if not 0 <= number <= _LONGEST_WAIT:
        raise ValueError
    return number


def unreadable() -> ArgumentError:
    """Return the error for a URL that cannot be read, which may have a password in a wrong place."""
    return not_a_url(
        "cannot be read. In a user or password, write @ as %40, / as %2F, and each other special "
        "character as urllib.parse.quote(text, safe='') does"
    )


def not_a_url(reason: str) -> ArgumentError:
    """Return the error for a URL that is refused, without repeating the URL."""
    return ArgumentError(
        f"The URL of the database {reason}. Give one such as 'sqlite:///outbox.db' or "
        f"'postgresql://user@host/database'.",
        ["url"],
    )


def path_cure(path: str | PathLike[str]) -> str | None:
    """Return why no file can be opened at a path, and the cure; None if its directory has no fault."""
    file = Path(path)
    folder = f"'{safe(str(file.parent))}'"
    try:
        if file.is_dir():
            return f"'{safe(str(file))}' is a directory: name a file in it."
        if not file.parent.is_dir():
            return f"The directory {folder} does not exist: create it, or correct the path."
    except OSError:  # the user may not look into the directory above
        pass
    if not os.access(file.parent, os.W_OK | os.X_OK):
        return f"Let the user of this process write to the directory {folder}, because SQLite does."
    return None
