"""What is measured: Clarion, bare statements, or a peer, on one database."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from abc import ABC, abstractmethod
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

KEYS = 10
INSERT = "INSERT INTO bench VALUES (1)"


class UnsupportedError(Exception):
    """The contender cannot express the case."""


class Contender(ABC):
    """One contender.

    Args:
        url: the URL of the database.

    Attributes:
        name: the name in the report.
        distribution: the package whose version is reported; empty for Clarion and the floor.
        dialects: the kinds of database that it supports.
        publishes: whether its sends are measured.
        drains: whether its worker is measured.
        serves: whether its worker can go on, so that its latency is measured.
        has_keys: whether it can deliver in the order of a key.
        keeps_backlog: whether it is measured with a large backlog.
    """

    name: ClassVar[str]
    distribution: ClassVar[str] = ""
    dialects: ClassVar[tuple[str, ...]] = ("postgresql",)
    publishes: ClassVar[bool] = True
    drains: ClassVar[bool] = True
    serves: ClassVar[bool] = True
    has_keys: ClassVar[bool] = False
    keeps_backlog: ClassVar[bool] = False

    def __init__(self, url: str) -> None:
        self.url = url
        self.dialect = dialect_of(url)

    @classmethod
    def missing(cls) -> str:
        """Return the package that is not installed, or nothing."""
        if cls.distribution:
            try:
                version(cls.distribution)
            except PackageNotFoundError:
                return cls.distribution
        return ""

    @classmethod
    def title(cls) -> str:
        """Return the name and the version."""
        return f"{cls.name} {version(cls.distribution)}" if cls.distribution else cls.name

    @abstractmethod
    def prepare(self) -> None:
        """Import the library and connect the receivers, in each process."""

    @abstractmethod
    def create(self) -> None:
        """Create the tables."""

    @abstractmethod
    def drop(self) -> None:
        """Drop the tables."""

    def fill(self, rows: int, *, keyed: bool) -> None:
        """Store deliveries for one receiver that does nothing."""
        raise UnsupportedError

    def drain(self, *, keyed: bool) -> None:
        """Make the stored deliveries until none is left."""
        raise UnsupportedError

    def serve(self, note: Callable[[int], None]) -> None:
        """Start a worker that goes on, in a thread; its receiver calls `note` with a number."""
        raise UnsupportedError

    def publisher(self, count: int) -> Callable[[int], object]:
        """Return a function that commits one row, with sends to `count` receivers."""
        raise UnsupportedError

    def send_one(self) -> Callable[[int], object]:
        """Return a function that sends a number to the receiver of `serve`, and commits."""
        raise UnsupportedError


def dialect_of(url: str) -> str:
    """Return the kind of database of a URL."""
    return urlsplit(url).scheme.replace("mariadb", "mysql").replace("postgres:", "postgresql:")


def path_of(url: str) -> str:
    """Return the file of a URL of SQLite."""
    return urlsplit(url).path[1:]


def connect(url: str) -> Any:
    """Open a connection in autocommit mode: of psycopg or sqlite3, as Clarion's workers use it."""
    if dialect_of(url) != "sqlite":
        return import_module("psycopg").connect(url, autocommit=True)
    connection = sqlite3.connect(
        path_of(url), timeout=30, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def begin(url: str) -> str:
    """Return the statement that begins a transaction which writes."""
    return "BEGIN IMMEDIATE" if dialect_of(url) == "sqlite" else "BEGIN"


def in_thread(make: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Run a coroutine in a thread with an event loop of its own."""
    threading.Thread(target=lambda: asyncio.run(make()), daemon=True).start()
