"""The names of commands in messages, and commands whose output cannot be written."""

import errno
import os
import subprocess
import sys

import pytest

from clarion._core import commands
from clarion._core.commands import command_line, offer_commands, output_failures_end, run_as
from tests.house.tree import SRC


@pytest.fixture
def programs():
    """Forget afterwards what a test has offered."""
    yield
    commands.forget_programs()


def test_a_message_names_the_command_of_clarion():
    """Without a framework, a message names the command of `clarion`."""
    assert command_line("outbox ls") == "clarion outbox ls"


def test_a_framework_offers_its_own_commands(programs):
    """The commands that a framework offers replace those of `clarion`."""
    offer_commands("manage.py clarion")
    offer_commands("manage.py", "outbox", "work")
    assert command_line("outbox show 7") == "manage.py outbox show 7"
    assert command_line("doctor shop") == "manage.py clarion doctor shop"


def test_the_program_that_runs_is_named(programs):
    """In a running command, a message names its program."""
    offer_commands("manage.py", "outbox")
    with run_as("clarion"):
        with run_as("manage.py clarion"):
            assert command_line("outbox ls") == "manage.py clarion outbox ls"
        assert command_line("outbox ls") == "clarion outbox ls"
    assert command_line("outbox ls") == "manage.py outbox ls"


PROGRAM = """
import sys
from clarion._core.commands import output_failures_end

with output_failures_end():
    for _ in range(int(sys.argv[1])):
        print("x" * 100)
    sys.exit(1)
"""


def run(lines, **streams):
    """Return the exit code and the errors of a program that prints some lines."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(lines)],
        env={"PYTHONPATH": str(SRC)},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
        **streams,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("lines", [1, 10_000], ids=["at the end", "while it prints"])
def test_a_reader_that_has_gone(lines):
    """The program ends without a message, with the exit code of a closed pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert run(lines, stdout=writing) == (141, "")
    finally:
        os.close(writing)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("lines", [1, 10_000], ids=["at the end", "while it prints"])
def test_a_full_disk(lines):
    """The program ends with one sentence and the exit code 2."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        code, errors = run(lines, stdout=full)
    assert (code, errors.count("\n")) == (2, 1)
    assert "The output cannot be written: No space left on device. Write it to" in errors


def test_the_exit_code_stays():
    """The exit code of a program whose output arrives is its own."""
    assert run(1, stdout=subprocess.DEVNULL) == (1, "")


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOENT, "x"), OSError(errno.ENOSPC, "x", "a file"), ValueError()],
    ids=["another reason", "another file", "another error"],
)
def test_other_errors_are_raised(error):
    """An error that is not of the output is raised."""
    with pytest.raises(type(error)) as caught, output_failures_end():
        raise error
    assert caught.value is error


KEPT = """
import sys
from clarion._core.commands import flush_at_end, output_failures_end

with output_failures_end():
    kept = open(sys.argv[1], "w")
    kept.write("x")
    flush_at_end(kept)
"""


def test_another_stream_fails_as_standard_output_does():
    """Another stream is flushed at the end, too, and its failure is one sentence."""
    done = subprocess.run(
        [sys.executable, "-c", KEPT, "/dev/full"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(SRC)},
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: The output cannot be written: No space left on device.")
    assert done.stderr.count("\n") == 1
