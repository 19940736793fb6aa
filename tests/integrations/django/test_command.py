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
def manage_file(tmp_path):
    """Return a function that runs manage.py in a project with a file of SQLite."""

    def manage(*arguments, stdout=subprocess.PIPE, name="db.sqlite3"):
        return subprocess.run(
            [sys.executable, "-c", MANAGE, str(tmp_path / name), *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )

    return manage


@pytest.fixture
def manage(manage_file):
    """Return a function that runs manage.py in a project with an empty outbox."""
    assert manage_file("migrate").returncode == 0
    return manage_file


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


@pytest.mark.parametrize(
    "command", [["doctor"], ["outbox", "status"], ["work", "--drain"]], ids=" ".join
)
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


@pytest.mark.parametrize("command", [("outbox", "status"), ("work", "--drain")], ids=" ".join)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("text.db", "file is not a database. Check its entry in DATABASES, and the rights"),
        ("gone/shop.db", "unable to open database file. The directory"),
        ("", "is a directory: name a file in it."),
        ("new.db", "no tables|tables of the outbox cannot be read in Django's database 'default'"),
    ],
)
def test_a_file_that_is_no_outbox_is_one_sentence(manage_file, tmp_path, command, name, reason):
    """A file that cannot be used is one sentence with the cure, and the exit code 2."""
    (tmp_path / "text.db").write_text("no database " * 100)
    done = manage_file(*command, name=name)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert any(each in done.stderr for each in reason.split("|"))


def test_a_project_without_a_database_is_one_sentence(settings_without_database):
    """Django's own sentence about DATABASES is printed without a traceback."""
    with pytest.raises(CommandError, match="improperly configured") as caught:
        call_command("outbox", "status", "--database", settings_without_database)
    assert caught.value.returncode == 2


@pytest.fixture
def settings_without_database(monkeypatch, django_db_blocker):
    """Return an alias without an engine."""
    with django_db_blocker.unblock():
        given = {"default": connections.settings["default"], "none": {}}
        settings = connections.configure_settings(given)["none"]
        monkeypatch.setitem(connections.settings, "none", settings)
        yield "none"
    del connections["none"]
