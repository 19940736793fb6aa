"""Databases in which tests commit for real, beside the one that pytest-django rolls back."""

import os
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.services import POSTGRES


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


@pytest.fixture
def transactional_db(django_db_setup, django_db_blocker):
    """Let a test commit for real, as pytest-django's, on whatever databases there are.

    What it has written is deleted after it, which takes less time than Django's flush.
    """
    from django.apps import apps
    from django.db import connections, transaction

    with django_db_blocker.unblock():
        yield
        for alias in connections:
            with transaction.atomic(alias):  # in which foreign keys may wait
                for model in apps.get_app_config("library").get_models(include_auto_created=True):
                    model._base_manager.using(alias).all()._raw_delete(alias)


@pytest.fixture(params=["default", pytest.param("postgres", marks=pytest.mark.service)])
def database(request, transactional_db):
    """The alias of a database to commit in: SQLite's, then PostgreSQL's."""
    if request.param == "postgres":
        request.getfixturevalue("postgres_database")
    return request.param


@pytest.fixture
def postgres(postgres_database, transactional_db):
    """The alias of a database of PostgreSQL's to commit in."""
    return postgres_database


@pytest.fixture
def other(other_database, transactional_db):
    """The alias of a second database to commit in."""
    return other_database
