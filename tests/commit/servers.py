"""Connections to the servers of the tests."""

from urllib.parse import urlsplit

import pytest

from tests.services import MARIADB


def connect_pymysql(**options):
    """Return a connection of PyMySQL to MariaDB."""
    place = {**_place(), "database": urlsplit(MARIADB.url()).path[1:]}
    return pytest.importorskip("pymysql").connect(**place, **options)


async def connect_aiomysql(**options):
    """Return a connection of aiomysql to MariaDB."""
    place = {**_place(), "db": urlsplit(MARIADB.url()).path[1:]}
    return await pytest.importorskip("aiomysql").connect(**place, **options)


def _place():
    parts = urlsplit(MARIADB.url())
    return {
        "host": parts.hostname,
        "port": parts.port,
        "user": parts.username,
        "password": parts.password or "",
    }
