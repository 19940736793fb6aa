"""Real servers for tests: their URLs, and the result of a test without its server.

A test that needs a server gets its URL in a fixture. If the server does not respond, the test is
skipped with the command that starts one. With CLARION_REQUIRE_SERVICES=1 it fails instead.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest


@dataclass(frozen=True)
class Service:
    """A server and its URL.

    Attributes:
        name: the name of the product.
        variable: the environment variable with its URL.
        default: the URL without that variable.
        start: the command that starts one.
    """

    name: str
    variable: str
    default: str
    start: str

    @property
    def address(self) -> str:
        """The URL, even if no server responds."""
        return os.environ.get(self.variable) or self.default

    def url(self) -> str:
        """Return the URL; skip or fail the calling test if no server responds."""
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
    """Return whether a server accepts connections at a URL; checked once for each."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), timeout=2):
            return True
    except OSError:
        return False


def without_certificates() -> dict[str, str]:
    """Return the environment of a program that loads no certificates.

    PyMySQL would load them for each connection, in 20 ms.
    """
    return {**os.environ, "SSL_CERT_FILE": os.devnull}


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
REDIS = Service(
    "Redis",
    "CLARION_REDIS_URL",
    "redis://127.0.0.1:6379/0",
    "docker run --rm -p 6379:6379 redis:8",
)
RABBITMQ = Service(
    "RabbitMQ",
    "CLARION_RABBITMQ_URL",
    "amqp://guest:guest@127.0.0.1:5672//",
    "docker run --rm -p 5672:5672 rabbitmq:4",
)


@contextmanager
def own_postgres(**settings: object) -> Iterator[str]:
    """Start a PostgreSQL for tests and yield its URL; skip the test if it is not installed.

    Args:
        settings: settings that differ from the default, as in postgresql.conf.
    """
    tools = _postgres_tools()
    user = _postgres_user()
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


@contextmanager
def own_mariadb(place: Path) -> Iterator[str]:
    """Start a MariaDB for tests and yield its URL; skip the test if it is not installed.

    Args:
        place: an empty folder for its data.
    """
    if not shutil.which("mariadbd") or not shutil.which("mariadb-install-db"):
        pytest.skip("no mariadbd and mariadb-install-db are found to start MariaDB")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = [
        "--no-defaults",
        f"--datadir={place}/data",
        "--innodb-log-file-size=8M",
        "--innodb-flush-log-at-trx-commit=0",
        *(["--user=root"] if os.geteuid() == 0 else []),
    ]
    install = ["--skip-test-db", "--auth-root-authentication-method=normal"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["mariadb-install-db", *options, *install], check=True, **quiet)  # type: ignore[call-overload]  # noqa: S607
    reached = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={place}/socket"]
    with subprocess.Popen(["mariadbd", *options, *reached], **quiet) as server:  # type: ignore[call-overload]  # noqa: S607
        try:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.05)
            yield f"mysql://root@127.0.0.1:{port}"
        finally:
            server.kill()


def _postgres_tools() -> Path:
    """Return the folder of initdb and pg_ctl: on PATH, or Debian's folder."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    pytest.skip("no initdb and pg_ctl are found to start PostgreSQL")


def _postgres_user() -> str | None:
    """Return the user who runs PostgreSQL, which refuses root; None for the current one."""
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and the user postgres does not exist")
