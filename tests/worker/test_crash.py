"""Workers that are killed in the middle of a batch: nothing is lost, or written twice."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clarion.testing import restored
from tests.services import without_certificates
from tests.worker.program import BATCH, DEADLY, DEATH, KEYS, connect_receivers, paid, poisoned
from tests.worker.stage import LEASE, until

ROOT = Path(__file__).parents[2]
SENDS = 300
KILLS = 2
WORKERS = 2


def started(stage, mode, lease=LEASE):
    """Start a process with a worker."""
    command = [sys.executable, "-m", "tests.worker.program", stage.url, mode, str(lease)]
    return subprocess.Popen(command, cwd=ROOT, env=without_certificates())


def wait_for_effects(stage, count, workers):
    """Wait until receivers have written this many effects."""
    deadline = time.monotonic() + 60
    while len(stage.effects()) < count:
        assert time.monotonic() < deadline, "the workers write nothing"
        assert any(each.poll() is None for each in workers), "the workers have ended"
        time.sleep(0.01)


@pytest.fixture
def sends(stage):
    """Send, and return the numbers of the sends of each key, in their order."""
    numbers = {f"k{n}": list(range(n, SENDS, KEYS)) for n in range(KEYS)}
    with restored():
        connect_receivers(stage.url)
        for first in range(0, SENDS, 100):
            stage.send(paid, [{"n": n, "key": f"k{n % KEYS}"} for n in range(first, first + 100)])
    return numbers


def test_killed_workers_lose_nothing(stage, sends):
    """Each effect in the same database is written once, and in the order of each key."""
    killed = 0
    for kill in range(1, KILLS + 1):
        workers = [started(stage, "run") for _ in range(WORKERS)]
        wait_for_effects(stage, 3 * SENDS * kill // (KILLS + 1), workers)
        for each in workers:
            each.send_signal(signal.SIGKILL)
            each.wait()
            killed += 1
    deadline = time.monotonic() + 60
    while any(stage.waiting()):  # what killed workers held waits for the end of its lease
        assert time.monotonic() < deadline
        assert started(stage, "drain").wait(60) == 0
        time.sleep(LEASE / 4)
    everything = range(SENDS)
    assert stage.counted("same") == dict.fromkeys(everything, 1)
    assert stage.counted("ordered") == dict.fromkeys(everything, 1)
    for key, numbers in sends.items():
        assert [n for _, name, n in stage.effects("ordered") if name == key] == numbers
    plain = stage.counted("plain")
    assert sorted(plain) == list(everything)
    assert plain.total() - SENDS <= killed * BATCH * 4


def test_a_stopped_process_hands_back_what_it_holds(stage, sends):
    """SIGTERM ends the process, and its deliveries need not wait for a lease to end."""
    process = started(stage, "run")
    wait_for_effects(stage, SENDS // 2, [process])
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert started(stage, "drain").wait(60) == 0
    assert stage.waiting() == (0, 0)
    for receiver in ("plain", "same", "ordered"):
        assert stage.counted(receiver) == dict.fromkeys(range(SENDS), 1)


def test_only_the_receiver_that_ends_its_worker_is_given_up(sqlite_stage):
    """Two workers end with a batch, a third with this delivery alone; the others of the batch are made."""
    with restored():
        connect_receivers(sqlite_stage.url)
        sqlite_stage.send(poisoned, [{"n": n} for n in range(2 * DEADLY)])
    deaths = 0
    while sqlite_stage.waiting()[0]:
        process = started(sqlite_stage, "run", lease=0.5)
        until(lambda process=process: process.poll() is not None or not sqlite_stage.waiting()[0])
        process.kill()
        deaths += process.wait() == DEATH
        assert deaths <= 3
    (dead,) = sqlite_stage.dead()
    assert (dead.failures, f'"n":{DEADLY}' in dead.envelope.payload.decode()) == (1, True)
    assert "WorkerEndedError" in dead.error
    assert set(sqlite_stage.counted("plain")) == set(range(2 * DEADLY)) - {DEADLY}
