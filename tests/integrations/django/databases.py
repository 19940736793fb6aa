"""Databases of Django's in which tests commit for real, beside the one that pytest-django makes."""

import os
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.services import MARIADB, POSTGRES


def register(alias, **settings):
    """Make a database known to Django, with the tables of the library in it."""
    from django.apps import apps
    from django.db import connections

    databases = connections.configure_settings(
        {"default": connections.settings["default"], alias: settings}
    )
    connections.settings[alias] = databases[alias]
    with connections[alias].schema_editor() as editor:
        for model in apps.get_app_config("library").get_models():
            if not model._meta.proxy:
                editor.create_model(model)


def forget(alias):
    """Undo `register`."""
    from django.db import connections

    connections[alias].close()
    del connections[alias], connections.settings[alias]


@pytest.fixture(scope="session")
def other_database(django_db_setup, django_db_blocker, tmp_path_factory):
    """A second database, on SQLite, by the alias "other"."""
    path = tmp_path_factory.mktemp("django") / "other.sqlite3"
    with django_db_blocker.unblock():
        register("other", ENGINE="django.db.backends.sqlite3", NAME=str(path))
        yield "other"
        forget("other")


@pytest.fixture(scope="session")
def postgres_database(django_db_setup, django_db_blocker):
    """A database of PostgreSQL's, by the alias "postgres"."""
    url = urlsplit(POSTGRES.url())
    import psycopg

    name = f"clarion_django_{os.getpid()}"
    with closing(psycopg.connect(url.geturl(), autocommit=True)) as server:
        server.execute(f"CREATE DATABASE {name}")
        with django_db_blocker.unblock():
            register(
                "postgres",
                ENGINE="django.db.backends.postgresql",
                NAME=name,
                USER=url.username or "",
                PASSWORD=url.password or "",
                HOST=url.hostname or "",
                PORT=str(url.port or ""),
            )
            yield "postgres"
            forget("postgres")
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def mariadb_database(django_db_setup, django_db_blocker):
    """A database of MariaDB's, by the alias "mariadb"."""
    url = urlsplit(MARIADB.url())
    pymysql: Any = pytest.importorskip("pymysql")

    # Django takes mysqlclient only, which has to be compiled.
    pymysql.version_info = (2, 2, 7, "final", 0)
    pymysql.install_as_MySQLdb()
    account = {
        "host": url.hostname,
        "port": url.port or 3306,
        "user": url.username,
        "password": url.password or "",
    }
    name = f"clarion_django_{os.getpid()}"
    with closing(pymysql.connect(**account)) as server, server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        with django_db_blocker.unblock():
            register(
                "mariadb",
                ENGINE="django.db.backends.mysql",
                NAME=name,
                **{key.upper(): str(value) for key, value in account.items()},
            )
            yield "mariadb"
            forget("mariadb")
        cursor.execute(f"DROP DATABASE {name}")
