"""The base of the commands of manage.py, in a process of its own."""

import os
import subprocess
import sys

import pytest

MANAGE = """
import sys
import django
from django.conf import settings
from django.core.management import execute_from_command_line

settings.configure(
    INSTALLED_APPS=["clarion", "clarion.integrations.django.outbox"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv.pop(1)}},
)
execute_from_command_line(sys.argv)
"""


@pytest.fixture
def manage(tmp_path):
    """Return a function that runs manage.py in a project with an empty outbox."""

    def manage(*arguments, stdout=subprocess.PIPE):
        return subprocess.run(
            [sys.executable, "-c", MANAGE, str(tmp_path / "db.sqlite3"), *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )

    assert manage("migrate").returncode == 0
    return manage


@pytest.mark.parametrize(
    "command", [["signals"], ["doctor"], ["outbox", "status"], ["clarion", "ls"]], ids=" ".join
)
def test_a_reader_that_has_gone(manage, command):
    """Each command ends without a message, with the exit code of a closed pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = manage(*command, stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_messages_name_the_commands_of_the_project(manage):
    """A hint under manage.py names a command of manage.py."""
    done = manage("outbox", "requeue", "7")
    assert (done.returncode, done.stdout) == (1, "")
    assert "List them with `manage.py outbox ls`." in done.stderr
