"""manage.py doctor; `test_doctor.py` two folders above runs it in a project with faults."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections


def doctor(*arguments):
    """Return what the command prints."""
    out = StringIO()
    call_command("doctor", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def gone(monkeypatch, tmp_path, django_db_blocker):
    """Return the alias of a database that cannot be opened."""
    given = {
        "default": connections.settings["default"],
        "gone": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "no" / "file")},
    }
    monkeypatch.setitem(connections.settings, "gone", connections.configure_settings(given)["gone"])
    with django_db_blocker.unblock():
        yield "gone"
    del connections["gone"]


def test_a_database_that_cannot_be_opened(gone):
    """A database that cannot be opened fails the command with a sentence and 2, even if none is needed."""
    with pytest.raises(
        CommandError, match="The database 'gone' cannot be used: unable to open database file"
    ) as caught:
        doctor("--database", gone)
    assert caught.value.returncode == 2
