"""Connections to the servers of the tests."""

from urllib.parse import urlsplit

import pytest

from tests.services import MARIADB


def connect_pymysql(**options):
    """Return a connection of PyMySQL to MariaDB."""
    parts = urlsplit(MARIADB.url())
    return pytest.importorskip("pymysql").connect(
        host=parts.hostname,
        port=parts.port,
        user=parts.username,
        password=parts.password or "",
        database=parts.path[1:],
        ssl_disabled=True,  # its certificates take longer to load than a test runs
        **options,
    )
