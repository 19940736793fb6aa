"""The database of background receivers."""

import asyncio
from importlib.util import find_spec

import pytest

from clarion.background.databases import NoDatabase, adatabase_of, database_of
from clarion.background.options import CallOptions
from clarion.errors import BoundaryError
from clarion.outbox import open_database, use_database


def both(options):
    """Return the database of a receiver, which a coroutine finds, too."""
    found = database_of(options)
    of_coroutine = asyncio.run(adatabase_of(options))
    assert (type(of_coroutine), of_coroutine.name) == (type(found), found.name)
    return found


@pytest.fixture
def database(tmp_path):
    """Use a database, and restore the previous one."""
    found = open_database(f"sqlite:///{tmp_path}/outbox.db")
    before = use_database(found)
    yield found
    use_database(before)


def test_the_database_of_the_program_comes_first(database):
    """A receiver's session is one of the database that `use_database` has set."""
    assert both(CallOptions()) is database


def test_a_django_project_has_one():
    """In a Django project the database is the default one, or that of `using`."""
    if find_spec("django") is None:
        pytest.skip("Django is not installed")
    assert both(CallOptions()).name == "Django's database 'default'"
    assert type(both(CallOptions().changed({"using": "nowhere"}))) is NoDatabase


def test_there_may_be_none(monkeypatch):
    """Without a database, a session is refused with the cure."""
    monkeypatch.setattr("clarion.background.databases.providers", list)
    found = both(CallOptions())
    assert type(found) is NoDatabase
    for refused in (found.connect, found.transaction, found.atransaction):
        with pytest.raises(BoundaryError, match="use_database"):
            refused()
