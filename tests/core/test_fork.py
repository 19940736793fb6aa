"""After a fork the locks are free in the child, and the tables are complete."""

import os
import signal as signals
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

import clarion
from clarion import Signal
from clarion._core import fork
from clarion._core.tabled import table_of
from clarion.commit import suppressed
from clarion.commit.atomic_block import AtomicBlock
from tests.core.receivers import echo

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    # Python 3.12 and later warn when a process with threads forks.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

PATIENCE = 10  # seconds
LOCKS = (
    "clarion._core.instrument:_lock",
    "clarion.integrations.django.commit.ignore_outer:_lock",
    "clarion.integrations.django.dispatch.install:_lock",
    "clarion.integrations.sqlalchemy.hooks:_lock",
)


def hold_in_thread(*locks):
    """Hold locks in another thread until the returned event is set."""
    held, done = threading.Event(), threading.Event()

    def hold():
        for lock in locks:
            lock.acquire()
        held.set()
        done.wait()
        for lock in locks:
            lock.release()

    threading.Thread(target=hold).start()
    assert held.wait(PATIENCE)
    return done


def in_child(check):
    """Return whether a check is true in a forked child, within a timeout."""
    child = os.fork()
    if not child:
        signals.signal(signals.SIGALRM, signals.SIG_DFL)
        signals.alarm(PATIENCE)
        code = 1
        try:
            code = 0 if check() else 1
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0


def test_a_child_connects(signal):
    """A child can connect while a thread of the parent was connecting to the signal."""
    done = hold_in_thread(table_of(signal).lock)

    def connects():
        signal.connect(echo)
        return len(signal.send(None)) == 1 and signal.disconnect(echo)

    try:
        assert in_child(connects)
    finally:
        done.set()


def test_a_change_that_was_half_done_is_completed(signal):
    """A child completes a change between the bucket and the routes."""
    table = table_of(signal)
    signal.connect(echo, sender=object, subclasses=True)
    signal.send(None)
    signal.send(int)
    donor = Signal()
    donor.connect(echo)
    (late,) = table_of(donor).registrations()
    done = hold_in_thread(table.lock)
    table.any_sender.members[late.key] = late  # in place of the other thread
    table.subclass_registrations.clear()
    try:
        assert in_child(lambda: len(signal.send(None)) == 1)
        assert in_child(lambda: len(signal.send(int)) == 2)
    finally:
        done.set()


def test_the_forking_thread_keeps_its_own_locks():
    """A thread that holds a lock while it forks still holds the lock in the child."""
    lock = fork.new_lock()
    with lock:
        assert in_child(lambda: lock.acquire(blocking=False) or True)
        fork.repair_child()
        assert fork.free(lock) is False
    lock.acquire()
    lock.release()


@pytest.mark.parametrize("place", LOCKS)
def test_the_locks_of_modules_are_free(place):
    """Each lock of a module comes from `new_lock`, and is free in the child."""
    module, _, name = place.partition(":")
    for framework in ("django", "sqlalchemy"):
        if f".{framework}." in module:
            pytest.importorskip(framework)
    lock = getattr(__import__(module, fromlist=[name]), name)
    done = hold_in_thread(lock)
    try:
        assert in_child(lambda: lock.acquire(blocking=False))
        assert not lock.acquire(blocking=False)  # the parent still holds its lock
    finally:
        done.set()


def test_the_locks_of_objects_are_free():
    """The locks of blocks and suppressions are free in the child."""
    with suppressed("an import") as suppression:
        pass
    owners = suppression, AtomicBlock(None, None, is_awaited=False)
    locks = [lock for owner in owners for lock in locks_in(owner)]
    assert len(locks) == len(owners)
    done = hold_in_thread(*locks)
    try:
        assert in_child(lambda: all(lock.acquire(blocking=False) for lock in locks))
    finally:
        done.set()


def locks_in(holder):
    """Return the locks among the attributes of an object."""
    return [each for each in vars(holder).values() if type(each) is type(fork.new_lock())]


def test_a_lock_dies_with_its_owner():
    """A lock dies with its owner."""
    lock = fork.new_lock()
    reference = weakref.ref(lock)
    del lock
    assert reference() is None


def test_no_other_lock_is_created():
    """No module creates a lock of `threading`, which would stay locked in a child."""
    root = Path(clarion.__path__[0])
    makers = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if any(f"= {name}()" in path.read_text() for name in ("Lock", "RLock", "threading.Lock"))
    }
    assert makers == {"_core/fork.py", "_core/table.py"}


UVLOOP = """
import asyncio, gc, os, sys, threading, warnings
import uvloop
warnings.simplefilter("ignore")
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
from clarion import Signal

signal = Signal()

async def receiver(**kwargs):
    await asyncio.sleep(0.001)

def wait():
    signal.send(None)
    sent.set()
    forked.wait()

signal.connect(receiver)
signal.send(None)
sent, forked = threading.Event(), threading.Event()
thread = threading.Thread(target=wait)
thread.start()
sent.wait()
child = os.fork()
if not child:
    gc.collect()
    signal.send(None)
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
forked.set()
thread.join()
signal.send(None)
"""


def test_a_child_is_quiet_under_uvloop():
    """A child does not close the parent's uvloop, and prints no warning."""
    pytest.importorskip("uvloop")
    environment = {**os.environ, "PYTHONPATH": str(Path(clarion.__path__[0]).parent)}
    done = subprocess.run(
        [sys.executable, "-c", UVLOOP],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
