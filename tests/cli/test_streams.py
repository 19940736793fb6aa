"""Standard output of the command, apart from what the user's modules print."""

import json
import sys

import pytest

from clarion.cli.streams import is_for_command, keep_output, standard_output

LOUD = """
import atexit, os, subprocess, sys, threading, time
from clarion import Signal
from clarion.outbox import open_database

def print_all(word, **kwargs):
    print(word)
    os.write(1, b"as a byte\\n")

print_all("imported")
subprocess.run([sys.executable, "-c", "print('child')"])
atexit.register(print_all, "exit")

def tick():
    for _ in range(50):
        print_all("tick")
        time.sleep(0.001)

threading.Thread(target=tick).start()
paid = Signal(name="loud.paid")
paid.connect(print_all, weak=False)
database = open_database("sqlite:///loud.db")
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["ls", "loud"], 0),
        (["explain", "loud", "--signal", "paid"], 0),
        (["graph", "loud"], 0),
        (["doctor", "loud"], 0),
        (["outbox", "create", "--database", "loud:database"], 0),
        (["outbox", "status", "--database", "loud:database"], 2),  # no such file
        (["explain", "loud", "--signal", "gone"], 2),
        (["ls", "loud", "--gone"], 2),
        (["ls", "gone"], 2),
    ],
)
def test_standard_output_is_json_whatever_a_module_prints(command, tmp_path, arguments, code):
    """A module, its threads, child processes and exit functions print to standard error instead."""
    (tmp_path / "loud.py").write_text(LOUD)
    done = command(*arguments, "--json")
    assert done.returncode == code, done.stderr
    found = json.loads(done.stdout)
    if code:
        assert f"rror: {found['error']}" in done.stderr


def test_what_a_module_prints_is_on_standard_error(command, tmp_path):
    """Nothing that a module prints is lost."""
    (tmp_path / "loud.py").write_text(LOUD)
    done = command("ls", "loud")
    assert done.stdout.splitlines()[0] == "loud.paid"
    assert {"imported", "as a byte", "child", "tick", "exit"} <= {*done.stderr.split("\n")}


def test_a_receiver_that_a_worker_calls_prints_to_standard_output(command, shop, tmp_path):
    """`clarion work` leaves standard output to the receivers."""
    (tmp_path / "loud.py").write_text(
        "from clarion import Signal, durable, receiver\n"
        "paid = Signal(name='shop.order_paid')\n"
        "@receiver(paid, delivery=durable(name='shop:mail'))\n"
        "def mail(**kwargs): print('mailed')\n"
    )
    shop.publish()
    assert command("work", "loud", "--drain", "-d", shop.url).stdout == "mailed\n"


def test_the_output_of_a_program_stays_its_own():
    """A program that runs a command, and a test with a stream of its own, keep their output."""
    keep_output()
    assert standard_output() is sys.stdout
    token = is_for_command.set(True)
    try:
        keep_output()  # standard output is that of the test, and no file descriptor 1
        assert standard_output() is sys.stdout
    finally:
        is_for_command.reset(token)
