"""Servers that tests use for real: where they are, and what to do where none answers.

A test that needs one asks for its URL in a fixture. Where no server answers the test is
skipped, with the line that starts one; under CLARION_REQUIRE_SERVICES=1 it fails instead.
"""

import os
import socket
from dataclasses import dataclass
from functools import cache
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
