"""Tests that commit for real, in one database or in several."""

import pytest


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
            connection = connections[alias]
            # Foreign keys may wait in a transaction, except in MariaDB.
            with connection.constraint_checks_disabled(), transaction.atomic(alias):
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
