"""Servers that tests use for real: where they are, and what to do where none answers.

A test that needs one asks for its URL in a fixture. Where no server answers the test is
skipped, with the line that starts one; under CLARION_REQUIRE_SERVICES=1 it fails instead.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest


@dataclass(frozen=True)
class Service:
    """A server, and how to reach it.

    Attributes:
        name: what people call it.
        variable: the environment variable that gives its URL.
        default: the URL where that is not set.
        start: the line that starts one where none runs.
    """

    name: str
    variable: str
    default: str
    start: str

    @property
    def address(self) -> str:
        """The URL, whether or not anybody answers there."""
        return os.environ.get(self.variable) or self.default

    def url(self) -> str:
        """Return the URL; skip the test that asks if nobody answers, or fail it."""
        if answers(self.address):
            return self.address
        reason = (
            f"no {self.name} answers at {self.address} ({self.variable}); start one: {self.start}"
        )
        if os.environ.get("CLARION_REQUIRE_SERVICES", "0") not in {"", "0"}:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@cache
def answers(url: str) -> bool:
    """Tell whether something accepts connections at a URL; asked once for each."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), timeout=2):
            return True
    except OSError:
        return False


POSTGRES = Service(
    "PostgreSQL",
    "CLARION_POSTGRES_URL",
    "postgresql://postgres@127.0.0.1:5432/postgres",
    "docker run --rm -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres:17 "
    "-c max_prepared_transactions=10",
)
MARIADB = Service(
    "MariaDB",
    "CLARION_MARIADB_URL",
    "mariadb://root@127.0.0.1:3306/test",
    "docker run --rm -p 3306:3306 -e MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1 "
    "-e MARIADB_DATABASE=test mariadb:11",
)


@contextmanager
def own_postgres(**settings: object) -> Iterator[str]:
    """Start a PostgreSQL of the tests' own, and yield its URL; skip where there is none to start.

    Args:
        settings: what to set otherwise than usual, as in postgresql.conf.
    """
    tools = _postgres_tools()
    user = _who_may_run_it()
    place = tempfile.mkdtemp(prefix="clarion-pg-")
    if user:
        shutil.chown(place, user)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    usual = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": place}
    given = {**usual, "fsync": "off", **settings}
    options = " ".join(f"-c {name}={value}" for name, value in given.items())
    data = f"{place}/data"

    def run(tool: str, *arguments: str) -> None:
        command = [str(tools / tool), "-D", data, *arguments]
        subprocess.run(command, user=user, cwd=place, stdout=subprocess.DEVNULL, check=True)

    try:
        run("initdb", "--username=postgres", "--auth=trust", "--no-sync")
        run("pg_ctl", "-w", "-l", f"{place}/log", "-o", options, "start")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _postgres_tools() -> Path:
    """Return where initdb and pg_ctl are: on the path, or where Debian keeps them."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    pytest.skip("no initdb and pg_ctl are found to start a PostgreSQL with")


def _who_may_run_it() -> str | None:
    """Return the user to run PostgreSQL as, which refuses root; None for the present one."""
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
