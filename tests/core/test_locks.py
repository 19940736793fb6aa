"""An interrupt leaves no lock locked, and no change of a table half done."""

from threading import Thread

import pytest

from clarion import Signal
from clarion._core.fork import new_lock
from clarion._core.locks import Lock, acquire
from clarion._core.tabled import table_of
from tests.commit.interrupts import attempts, records_of_clarion
from tests.core.receivers import echo
from tests.core.tables import Base, Derived


def is_free(lock):
    """Return whether another thread can lock a lock; free it if not."""
    found = []

    def try_it():
        found.append(lock.acquire(blocking=False))
        if found[0]:
            lock.release()

    thread = Thread(target=try_it)
    thread.start()
    thread.join()
    if not found[0]:
        lock._at_fork_reinit()
    return found[0]


def test_acquire():
    """It returns whether the lock is locked now."""
    lock, found = Lock(), []
    assert acquire(lock)
    assert acquire(lock, 0), "it is reentrant"
    thread = Thread(target=lambda: found.append(acquire(lock, 0.01)))
    thread.start()
    thread.join()
    assert found == [False]
    lock.release()
    lock.release()
    assert is_free(lock)


def with_block(lock):
    """Lock by `with`."""
    with lock:
        pass


def try_block(lock):
    """Lock by `acquire`."""
    acquire(lock)
    try:
        pass
    finally:
        lock.release()


@pytest.mark.parametrize("use", [with_block, try_block])
def test_an_interrupt_leaves_no_lock_locked(use):
    """Wherever it comes, the lock is free."""
    lock = new_lock()

    def program(interrupt):
        interrupt.start()
        use(lock)
        interrupt.stop()

    with records_of_clarion():
        points = [
            (interrupt.where, is_free(lock)) for interrupt in attempts(program, KeyboardInterrupt)
        ]
    assert len(points) > 1
    assert all(free for _, free in points), points


CHANGES = {
    "connect": lambda paid: paid.connect(echo),
    "connect a sender": lambda paid: paid.connect(echo, sender=Base, subclasses=True),
    "disconnect": lambda paid: paid.disconnect(echo),
    "disconnect a sender": lambda paid: paid.disconnect(echo, sender=Base),
    "replace": lambda paid: paid.connect(echo, sender=Base, dispatch_uid="one", replace=True),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_interrupt_leaves_no_change_half_done(change):
    """The table is free, and calls the receivers that it lists."""
    made = []

    def program(interrupt):
        paid = Signal()
        made.append(paid)
        if "disconnect" in ids[change]:
            paid.connect(echo)
            paid.connect(echo, sender=Base, subclasses=True)
        if ids[change] == "replace":
            paid.connect(str, sender=Base, dispatch_uid="one", subclasses=True)
        paid.send(Base)
        paid.send(Derived)
        interrupt.start()
        change(paid)
        interrupt.stop()

    ids = {each: name for name, each in CHANGES.items()}
    with records_of_clarion():
        for interrupt in attempts(program, KeyboardInterrupt):
            paid = made.pop()
            table = table_of(paid)
            assert is_free(table.lock), interrupt.where
            for sender in (Base, Derived):
                called = [receiver for receiver, _ in paid.send(sender)]
                listed = [
                    registration.live()
                    for registration in table.registrations()
                    if registration.sender in (None, sender)
                    or (registration.subclasses and registration.sender is Base)
                ]
                assert called == listed, interrupt.where
