"""The command `work` in a process of its own."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from textwrap import dedent

import pytest

PROGRAM = """
import sys, django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["clarion", "clarion.integrations.django.outbox"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
)
django.setup()
from django.core.management import call_command
from clarion import Signal, durable
paid = Signal(name="paid")
def mail(number, **kwargs):
    print("mailed", number, flush=True)
    if number == 2:
        print("ready", flush=True)
paid.connect(mail, delivery=durable(name="mail"))
call_command("migrate", verbosity=0)
for number in range(3):
    paid.send(None, number=number)
call_command("work", poll=0.05)
print("stopped", flush=True)
"""


COMMAND = PROGRAM.replace(
    'call_command("work", poll=0.05)\n',
    """
from django.core.management import execute_from_command_line
@paid.connect(delivery=durable(name="bad", retries=0))
def fail(**kwargs):
    raise ValueError("\\x1b]0;title\\x07")
paid.send(None, number=3)
execute_from_command_line(["manage.py", "work", "--drain"])
""",
)


def environment():
    """Return the environment of a process that imports what this one imports."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_a_running_worker_stops_at_sigterm(tmp_path):
    """At SIGTERM the worker finishes its calls, and the program continues after the command."""
    program = [sys.executable, "-c", dedent(PROGRAM), str(tmp_path / "shop.sqlite3")]
    lines = []
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.strip())
            if lines[-1] == "ready":
                process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    assert lines[0].startswith("Serving 1 receiver of Django's database 'default'")
    assert sorted(lines[1:4]) == ["mailed 0", "mailed 1", "mailed 2"]
    assert lines[-1] == "stopped"


def test_a_project_without_a_log_gets_one_without_escapes(tmp_path):
    """The time and the traceback of a failure are shown, and no sequence that controls a terminal."""
    program = [sys.executable, "-c", dedent(COMMAND), str(tmp_path / "shop.sqlite3")]
    done = subprocess.run(program, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 1
    assert "ERROR clarion.worker: Delivery 5 of bad was given up" in done.stderr
    assert r"ValueError: \x1b]0;title\x07" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "CommandError: 1 delivery was given up." in done.stderr


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("", "cannot be used: file is not a database. Check its entry in DATABASES"),
        (
            "CREATE TABLE other (x)",
            "cannot be read in Django's database 'default'. Run `manage.py migrate",
        ),
    ],
)
def test_a_database_that_cannot_be_used_is_one_sentence(tmp_path, statement, reason):
    """The exit code is 2, and there is no traceback."""
    file = tmp_path / "shop.sqlite3"
    if statement:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(statement)
    else:
        file.write_text("no database " * 100)
    program = PROGRAM.partition('call_command("migrate"')[0] + (
        "from django.core.management import execute_from_command_line\n"
        "execute_from_command_line(['manage.py', 'work', '--once', '--verbosity', '0', '--skip-checks'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert reason in done.stderr
