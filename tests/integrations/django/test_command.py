"""The base of the commands of manage.py, in a process of its own."""

import os
import socket
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from clarion.integrations.django.command import ProcessCommand
from clarion.worker import answer

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
    assert (done.returncode, done.stdout) == (2, "")
    assert "List them with `manage.py outbox ls`." in done.stderr


@pytest.fixture
def silent(monkeypatch, django_db_blocker):
    """Return the alias of a server that accepts connections and never answers."""
    monkeypatch.setattr(answer, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server, django_db_blocker.unblock():
        engine = "django.db.backends.postgresql"
        found = {"ENGINE": engine, "HOST": "127.0.0.1", "PORT": server.getsockname()[1]}
        given = {"default": connections.settings["default"], "silent": {"NAME": "shop", **found}}
        settings = connections.configure_settings(given)["silent"]
        monkeypatch.setitem(connections.settings, "silent", settings)
        yield "silent"
    del connections["silent"]


@pytest.mark.parametrize("command", [["doctor"], ["outbox", "status"]], ids=" ".join)
def test_a_server_that_never_answers(silent, command):
    """The command fails after some seconds, with the cure and the exit code 2."""
    message = r"database 'silent' cannot be used: .* answered for 0\.2 seconds\. Check its entry"
    with pytest.raises(CommandError, match=message) as caught:
        call_command(*command, "--database", silent)
    assert caught.value.returncode == 2


def test_a_sentence_is_folded_in_a_terminal_only(monkeypatch):
    """In a terminal a line is broken between words; in a pipe it stays whole."""
    monkeypatch.setenv("COLUMNS", "40")
    text = "A database that cannot be opened fails."
    for is_terminal, lines in ((True, [f"  {text[:-7]}", "      fails."]), (False, [f"  {text}"])):
        out = StringIO()
        monkeypatch.setattr(out, "isatty", lambda is_terminal=is_terminal: is_terminal)
        ProcessCommand(stdout=out).write_folded(text, "  ")
        assert out.getvalue().splitlines() == lines
