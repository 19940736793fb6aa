"""Workers that are suspended past their lease, and workers with a wrong clock."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from clarion.commit import atomic
from clarion.testing import restored
from tests.services import without_certificates
from tests.worker.disturbed import connect_receivers, paid
from tests.worker.stage import in_thread, until_empty, worker

ROOT = Path(__file__).parents[2]
SENDS = 8


def send(stage, sender):
    """Send, in one transaction."""
    with stage.connected() as connection, atomic(connection.connection):
        for n in range(SENDS):
            paid.send(sender, n=n)


def started(stage, *arguments):
    """Start the program."""
    command = [sys.executable, "-m", "tests.worker.disturbed", stage.url, *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=without_certificates(), stdout=subprocess.PIPE, text=True
    )


@contextmanager
def stopped(stage, receiver):
    """Start the program, and yield it once its receiver has stopped it."""
    with started(stage, receiver) as process:
        try:
            in_thread(lambda: os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT), 60)
            yield process
        finally:
            process.kill()


def resumed(process):
    """Let a stopped program continue; return the counts that it prints at its end."""
    process.send_signal(signal.SIGCONT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return json.loads(output)


def test_another_worker_takes_over_from_a_stopped_one(stage):
    """After the lease another worker takes over, and the suspended one settles nothing."""
    with restored():
        connect_receivers(stage.url)
        send(stage, "plain")
        with stopped(stage, "plain") as process:
            until_empty(stage)
            assert stage.counted("plain") == dict.fromkeys(range(SENDS), 1)
            assert resumed(process) == {"lost": 1}
    assert stage.counted("plain") == {0: 2, **dict.fromkeys(range(1, SENDS), 1)}
    assert stage.waiting() == (0, 0)


def test_a_stopped_worker_that_holds_a_lock_keeps_one_delivery(server_stage):
    """A drain skips the locked delivery, whose transaction commits later."""
    stage = server_stage
    with restored():
        connect_receivers(stage.url)
        send(stage, "same")
        with stopped(stage, "same") as process:
            while stage.waiting()[0] > 1:
                in_thread(worker(stage).drain, seconds=30)
            assert stage.counted("same") == dict.fromkeys(range(1, SENDS), 1)
            assert resumed(process) == {"made": 1}
    assert stage.counted("same") == dict.fromkeys(range(SENDS), 1)
    assert stage.waiting() == (0, 0)


@pytest.mark.parametrize("seconds", ["3600", "-3600"], ids=["fast", "slow"])
def test_only_the_clock_of_the_database_counts(stage, seconds):
    """A worker with a wrong clock makes no delivery before its time."""
    with restored():
        connect_receivers(stage.url)
        send(stage, "plain")
        send(stage, "later")
        with started(stage, "none", seconds) as process:
            output, _ = process.communicate(timeout=60)
    assert json.loads(output) == {"made": SENDS}
    assert stage.counted("plain") == dict.fromkeys(range(SENDS), 1)
    assert stage.waiting() == (SENDS, 0)
