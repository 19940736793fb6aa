"""`clarion tail`."""

import json
import os
import re
import sqlite3
import threading
from contextlib import closing

import pytest

from clarion import Signal, on_commit
from clarion.cli.tail import _Notes, print_event
from clarion.commit import atomic
from clarion.tail import serve_tail
from clarion.tail.events import BROKEN, SLOW, dropped_event
from tests.tail.conftest import is_watched, until

paid = Signal(name="tests.cli.tail.paid")


class Order:
    """A sender."""


@pytest.fixture
def tail(invoke, tmp_path):
    """Return a function that runs `clarion tail` while a thread sends."""

    def send():
        until(lambda: is_watched(paid))
        with closing(sqlite3.connect(":memory:")) as connection, atomic(connection):
            paid.send_robust(Order, card="s3cret")

    def tail(*options):
        with serve_tail(tmp_path / "tail") as server:
            sending = threading.Thread(target=send)
            sending.start()
            done = invoke("tail", server.folder, *options)
            sending.join()
        return done

    return tail


@pytest.fixture
def receivers():
    """Connect one receiver that fails, and one that runs after the commit."""

    def broken(sender, **kwargs):
        raise LookupError("s3cret")

    def mail(sender, **kwargs): ...

    with paid.connected(broken), paid.connected(mail, delivery=on_commit):
        yield


def test_sends_and_deliveries_are_shown(tail, receivers, caplog):
    """Sends and deliveries are shown with names, times and outcomes, but without values."""
    done = tail("--count", "2")
    assert (done.exit_code, done.stderr) == (0, f"Watching process {os.getpid()}.\n")
    lines = [re.sub(r"[\d.]+ ms", "T", line.strip()) for line in done.stdout.splitlines()]
    assert re.match(r"\d\d:\d\d:\d\d\.\d{3} \[\d+\] tests\.cli", lines[0])
    assert lines[0].endswith("tests.cli.tail.paid  from tests.cli.test_tail.Order  T")
    assert [line.split()[:3] for line in lines[1:3]] == [
        ["failed", "T", "now"],
        ["waiting", "T", "on_commit"],
    ]
    assert lines[1].endswith("broken  LookupError")
    assert lines[3].endswith("tests.cli.tail.paid  from tests.cli.test_tail.Order")
    assert lines[4].split()[:3] == ["returned", "T", "on_commit"]
    assert "s3cret" not in done.stdout


def test_events_as_json(tail, receivers, caplog):
    """With `--json` each event is one line, and the filters select events."""
    done = tail("-n", "1", "--json", "--receiver", "mail", "--signal", "tail.paid")
    event = json.loads(done.stdout)
    assert (event["signal"], event["keywords"]) == ("tests.cli.tail.paid", ["card"])


def test_an_error_that_ends_a_send_is_shown(capsys):
    """The error that ends a send is shown on a line of its own below the send."""
    head = {"kind": "send", "at": 0.0, "pid": 1, "signal": "shop.paid", "sender": None}
    print_event({**head, "seconds": 0.001, "error": "OSError", "calls": []})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(" [1] shop.paid  1.000 ms")
    assert lines[1] == "  ended by OSError"


def test_dropped_events_are_shown(capsys):
    """The number of dropped events and the reason are shown."""
    print_event(dropped_event(7, SLOW))
    print_event(dropped_event(1, BROKEN))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("7 events were dropped: the reader was too slow")
    assert "1 event was dropped: a name or an attribute of the program raised" in lines[1]


def test_the_processes_are_named(capsys, tmp_path):
    """Standard error says which processes are watched, whenever that changes."""
    note = _Notes(tmp_path)
    for processes in [(), (7,), (7,), (7, 12), (12,), (30,), ()]:
        note(frozenset(processes))
    assert capsys.readouterr().err.splitlines() == [
        f"Waiting for a program that serves its signals in {tmp_path}.",
        "Watching process 7.",
        "Watching processes 7, 12.",
        "Process 7 ended.",
        "Process 12 ended.",
        "Watching process 30.",
        "Process 30 ended.",
        f"Waiting for a program that serves its signals in {tmp_path}.",
    ]


def test_no_program_serves(invoke, tmp_path):
    """If no program serves, the message is one sentence and the exit code 2."""
    done = invoke("tail", tmp_path / "none")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "No program serves its signals in" in done.stderr
