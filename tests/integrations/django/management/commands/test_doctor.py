"""manage.py doctor; `test_doctor.py` two folders above runs it in a project with faults."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from clarion.integrations.django.management.commands import doctor as command


def doctor(*arguments):
    """Return what the command prints."""
    out = StringIO()
    call_command("doctor", *arguments, stdout=out)
    return out.getvalue()


def test_a_database_that_does_not_answer(monkeypatch):
    """The command fails with a sentence, and 2."""

    def fail(aliases):
        raise DatabaseError("connection refused")

    monkeypatch.setattr(command, "findings_of_databases", fail)
    with pytest.raises(
        CommandError, match="A database cannot be read: connection refused"
    ) as caught:
        doctor("--database", "default")
    assert caught.value.returncode == 2
