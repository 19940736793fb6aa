"""The signals that stop a worker."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from clarion.worker.stop_signals import SIGNALS, StopSignals, command_of_its_own
from tests.house.tree import ROOT, SRC

# One receiver says that it runs, and waits for a line.
PROGRAM = """
import signal, sys
from clarion import Signal, durable
from clarion.outbox import open_database, use_database
from clarion.outbox.tables import create_tables
from clarion.worker import Worker

# A shell starts a program in the background with SIGINT ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
database = open_database("sqlite:///signals.db")
connection = database.connect()
create_tables(connection)
connection.close()
use_database(database)
paid = Signal(name="shop.paid")

def mail(sender, n, **kwargs):
    print("mail", n, flush=True)
    sys.stdin.readline()
    print("made", n, flush=True)

paid.connect(mail, delivery=durable(name="mail"))
worker = Worker(database, poll=0.01)
def send(n): paid.send(None, n=n)
"""


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a program, and signals it when its first receiver runs."""

    def run(text, number, more=()):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM + text],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": f"{SRC}{os.pathsep}{ROOT}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                assert process.stdout
                assert process.stdout.readline() == "mail 1\n"
                process.send_signal(number)
                out, errors = process.communicate("".join(f"{line}\n" for line in range(9)), 60)
            finally:
                process.kill()
        return process.returncode, out.split("\n")[:-1], errors

    return run


LOOP = """
try:
    for n in range(1, 4):
        send(n)
        worker.{method}()
        print("looped", n, flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("method", ["drain", "once"])
def test_a_signal_ends_the_loop_of_a_program(run, method):
    """SIGTERM and SIGINT end the receiver that runs, and then the program, as they do between two drains."""
    ended = run(LOOP.format(method=method), signal.SIGTERM)
    assert ended == (-signal.SIGTERM, ["made 1"], "")
    ended = run(LOOP.format(method=method), signal.SIGINT)
    assert ended == (0, ["made 1", "interrupted"], "")


OWN = """
import itertools
is_over = False
def end(*_):
    global is_over
    is_over = True
signal.signal(signal.SIGTERM, end)
for n in itertools.count(1):
    send(n)
    {call}
    print("looped", n, flush=True)
    if is_over: break
"""


@pytest.mark.parametrize("call", ["worker.drain()", "worker.once()", "worker.run()"])
def test_a_handler_of_the_programs_own_is_called_at_the_end(run, call):
    """A program that sets a flag in its handler ends as it has planned."""
    ended = run(OWN.format(call=call), signal.SIGTERM)
    assert ended == (0, ["made 1", "looped 1"], "")


CONTINUES = """
signal.signal(signal.SIGTERM, lambda *_: print("ignored", flush=True))
for n in range(1, 3):
    send(n)
    worker.drain()
    print("looped", n, flush=True)
"""


def test_a_program_that_goes_on_after_a_signal_has_a_worker_that_works(run):
    """The next drain makes deliveries again, and does not end at once."""
    ended = run(CONTINUES, signal.SIGTERM)
    expected = ["made 1", "ignored", "looped 1", "mail 2", "made 2", "looped 2"]
    assert ended == (0, expected, "")


RUN = """
send(1)
worker.run()
print("after the worker", flush=True)
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_run_returns_at_a_signal(run, number):
    """A signal is the usual end of `run`, so the program continues after it."""
    assert run(RUN, number) == (0, ["made 1", "after the worker"], "")


FAILS = """
from unittest import mock
send(1)
def fail(*_): raise OSError("the disk has gone")
try:
    with mock.patch.object(type(worker), "_finish", fail):
        worker.drain()
except OSError:
    print("went on", flush=True)
"""


def test_an_error_does_not_hide_a_signal(run):
    """A program that catches the errors of a drain ends at the signal all the same."""
    ended = run(FAILS, signal.SIGTERM)
    assert ended[0] == -signal.SIGTERM


@pytest.mark.parametrize("number", SIGNALS)
def test_each_signal_stops(number):
    """Each signal stops the worker, the former handlers are restored, and get the signal once."""
    before, stops, again = signal.getsignal(number), [], []
    own = lambda *_: again.append(number)  # noqa: E731
    signal.signal(number, own)
    try:
        with StopSignals(lambda: stops.append(number), ends_by_signal=True) as signals:
            with signals.handled():
                signal.raise_signal(number)
                signal.raise_signal(number)
            assert signal.getsignal(number) is own
            assert (stops, again) == ([number, number], [])
        assert (signals.received, again) == ([number, number], [number])
    finally:
        signal.signal(number, before)


def test_a_command_of_its_own_ends_by_a_signal():
    """In a process that does nothing else, a drain returns at a signal, to print what was made."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with (
            command_of_its_own(),
            StopSignals(bool, ends_by_signal=False) as signals,
            signals.handled(),
        ):
            signal.raise_signal(signal.SIGTERM)
        assert signals.received == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_another_thread_handles_no_signals():
    """A worker in another thread handles no signals: only the main thread can."""

    def run():
        with StopSignals(bool, ends_by_signal=True) as signals, signals.handled():
            seen.append(signal.getsignal(signal.SIGTERM))

    seen: list[object] = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_the_end_of_a_terminal_stops():
    """SIGHUP stops the worker in order, instead of ending the process at once."""
    before, stops = signal.signal(signal.SIGHUP, signal.SIG_DFL), []
    try:
        with (
            StopSignals(lambda: stops.append(1), ends_by_signal=True) as signals,
            signals.handled(),
        ):
            signal.raise_signal(signal.SIGHUP)
        assert (stops, signal.getsignal(signal.SIGHUP)) == ([1], signal.SIG_DFL)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_hangup_that_is_ignored_stays_ignored():
    """As below nohup, and in a program that uses the signal for something else."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals(bool, ends_by_signal=True) as signals, signals.handled():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
