"""A database of its own for a run, of each kind."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from clarion.outbox import open_database

POSTGRES = "postgresql://root@127.0.0.1:5432/test"
MARIADB = "mysql://root@127.0.0.1:3306/test"


class Place:
    """A database for one run.

    Args:
        url: its URL.
        disturb: ends connections of others, or restarts the server; returns what it did. None if the
            kind has no server.
    """

    def __init__(self, url: str, disturb: Callable[[bool], str] | None = None) -> None:
        self.url = url
        self.disturb = disturb

    def connect(self) -> Any:
        """Open a connection of a worker."""
        return open_database(self.url).connect()


@contextmanager
def sqlite() -> Iterator[Place]:
    """Yield a new file."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        yield Place(f"sqlite:///{Path(folder) / 'shop.db'}")


@contextmanager
def postgresql(url: str | None) -> Iterator[Place]:
    """Yield a database on a server that this run starts itself, or a new one on a server.

    Args:
        url: the server; None to start one, which can then be restarted under load.
    """
    if url is None and (programs := _programs()) is not None:
        folder = tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp")  # short
        with folder as name, _own_server(programs, Path(name)) as server:
            yield server
        return
    with _created(url or POSTGRES) as created:
        yield Place(created, lambda _restart: _terminate(created))


def _programs() -> Path | None:
    """Return the folder of initdb and pg_ctl; None if they are not found or refuse this user."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((each for each in reversed(folders) if (each / "pg_ctl").exists()), None)


@contextmanager
def _own_server(programs: Path, folder: Path) -> Iterator[Place]:
    port = 20_000 + secrets.randbelow(20_000)
    folder.chmod(0o777)
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(programs / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"

    def start() -> None:
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")

    run("initdb", "--username=postgres", "--auth=trust", "--no-sync")
    start()
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"

    def disturb(restart: bool) -> str:  # noqa: FBT001
        if not restart:
            return _terminate(url)
        run("pg_ctl", "-w", "-m", "immediate", "stop")
        start()
        return "restarted the server"

    try:
        yield Place(url, disturb)
    finally:
        with suppress(subprocess.CalledProcessError):
            run("pg_ctl", "-w", "-m", "immediate", "stop")


def _terminate(url: str) -> str:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    return f"ended {ended[0] if ended else 0} connections"


@contextmanager
def _created(server: str) -> Iterator[str]:
    """Yield the URL of a new database on a server."""
    name = f"chaos_{secrets.token_hex(4)}"
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    with closing(open_database(server).connect()) as admin:
        connection: Any = admin
        cursor = connection.connection.cursor()
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            yield url
        finally:
            force = " WITH (FORCE)" if connection.dialect == "postgresql" else ""
            cursor.execute(f"DROP DATABASE {name}{force}")


@contextmanager
def mariadb(url: str | None) -> Iterator[Place]:
    """Yield a new database on a server of MariaDB."""
    with _created(url or MARIADB) as created:
        yield Place(created, lambda _restart: _kill_mariadb(created))


def _kill_mariadb(url: str) -> str:
    with closing(open_database(url).connect()) as connection:
        raw: Any = connection
        cursor = raw.connection.cursor()
        cursor.execute(
            "SELECT id FROM information_schema.processlist WHERE db = DATABASE()"
            " AND id <> CONNECTION_ID()"
        )
        found = [row[0] for row in cursor.fetchall()]
        for number in found:
            with suppress(Exception):
                cursor.execute(f"KILL {int(number)}")
    return f"ended {len(found)} connections"


def place_of(kind: str, url: str | None) -> Any:
    """Return the context manager of a database of a kind."""
    return (
        sqlite() if kind == "sqlite" else {"postgresql": postgresql, "mariadb": mariadb}[kind](url)
    )


KINDS = ("sqlite", "postgresql", "mariadb")
