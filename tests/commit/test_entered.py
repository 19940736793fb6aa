"""An exception at any point of a block's end: each committed call runs or is logged."""

import logging
import sqlite3
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

import clarion
from clarion import Signal, on_commit
from clarion.commit import atomic
from tests.commit import interrupts as points
from tests.commit.interrupts import KINDS, InterruptedByTestError

pytestmark = pytest.mark.usefixtures("_plain_python")

TRACED = (str(Path(clarion.__file__).parent), "contextlib.py")


class Interrupt:
    """Raise an exception at the nth instruction of Clarion's code that is executed."""

    def __init__(self, nth, kind=InterruptedByTestError):
        self.left = nth
        self.kind = kind

    def start(self):
        """Begin to count, in frames entered from now on."""
        sys.settrace(self._enter)

    def _enter(self, frame, event, argument):
        if not any(part in frame.f_code.co_filename for part in TRACED):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False  # the first instruction of a line is a point already
        return self._count

    def _count(self, frame, event, argument):
        self.left -= 1
        if not self.left:
            sys.settrace(None)
            raise self.kind
        return self._count


class Shop:
    """A table of orders, and two receivers after the commit, the second of which fails."""

    def __init__(self):
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection.execute("CREATE TABLE orders (id)")
        self.paid, self.ran, self.answers = Signal(name="shop.paid"), [], []
        self.paid.connect(self.mail, delivery=on_commit)
        self.paid.connect(self.fail, delivery=on_commit)

    def mail(self, **kwargs):
        """Note the call."""
        self.ran.append("mail")

    def fail(self, **kwargs):
        """Fail after the commit."""
        raise ValueError

    def place(self):
        """Add a row, and send."""
        self.connection.execute("INSERT INTO orders VALUES (1)")
        self.answers += [scheduled for _, scheduled in self.paid.send(None)]

    def check(self, log):
        """Assert that the calls ran, or were logged, if and only if the row was committed."""
        assert not self.connection.in_transaction
        rows = self.connection.execute("SELECT * FROM orders").fetchall()
        statuses = [scheduled.status for scheduled in self.answers]
        if rows:
            assert set(statuses) <= {"ran", "failed", "abandoned"}, statuses
            assert len(log) >= statuses.count("abandoned") + statuses.count("failed")
            # A call that was interrupted before its receiver was called has failed.
            assert statuses[0] in {"abandoned", "failed"} or self.ran == ["mail"]
        else:
            assert set(statuses) <= {"dropped", "waiting", "abandoned"}, statuses
            assert self.ran == []
        return bool(rows)


@pytest.fixture
def logged(monkeypatch):
    """Return a list of the records of Clarion's logger, which are not formatted."""
    records = []

    class Keep(logging.Handler):
        def handle(self, record):
            records.append(record)
            return True

    logger = logging.getLogger("clarion")
    monkeypatch.setattr(logger, "handlers", [Keep()])
    monkeypatch.setattr(logger, "propagate", False)
    return records


def in_a_block(shop, interrupt):
    """Interrupt the end of a transaction."""
    with atomic(shop.connection):
        shop.place()
        interrupt.start()


def in_a_savepoint(shop, interrupt):
    """Interrupt the release of a savepoint, and continue."""
    with atomic(shop.connection):
        with suppress(InterruptedByTestError, KeyboardInterrupt), atomic(shop.connection):
            shop.place()
            interrupt.start()
        sys.settrace(None)


def attempt(program, shop, interrupt):
    """Run a program that is interrupted."""
    try:
        program(shop, interrupt)
    except BaseException:  # noqa: BLE001, S110  # the interrupt, or one that it led to
        pass
    finally:
        sys.settrace(None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("program", [in_a_block, in_a_savepoint])
def test_interrupt_at_each_instruction(program, kind, logged, monkeypatch):
    """If the COMMIT was made, each call ran or is logged; if not, no call ran."""
    # Of interrupts in __del__.
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)
    outcomes = set()
    for nth in range(1, 100_000):
        interrupt, shop = Interrupt(nth, kind), Shop()
        logged.clear()
        # In a thread of its own: an exception in a handler's first instruction stays the thread's.
        thread = Thread(target=attempt, args=(program, shop, interrupt))
        thread.start()
        thread.join()
        outcomes.add(shop.check(logged))
        shop.connection.close()
        if interrupt.left > 0:
            break
    assert outcomes == {True, False}
    assert nth > 100


def first_points(program):
    """Run a program, interrupted at each of the first points of the end; yield the shop."""
    for nth in range(1, 10):
        shop, interrupt = Shop(), points.Interrupt(nth, InterruptedByTestError)
        try:
            program(shop, interrupt)
        except InterruptedByTestError as error:
            yield shop, interrupt, error
        finally:
            interrupt.stop()
        shop.connection.close()


def test_an_interrupt_in_the_first_steps_of_the_end():
    """The block is rolled back at once, although the exception is kept, and so its frames are."""
    kept = []
    for shop, interrupt, error in first_points(in_a_block):
        kept.append((interrupt.where, error))
        assert not shop.connection.in_transaction
        assert {scheduled.status for scheduled in shop.answers} == {"dropped"}
        assert not shop.check([])
    assert len(kept) == 9
    assert {where[0] for where, _ in kept} >= {"_ending", "Entered.end"}


def test_a_block_that_a_variable_holds():
    """It is rolled back at once, too."""

    def program(shop, interrupt):
        with atomic(shop.connection) as _block:
            shop.place()
            interrupt.start()

    states = []
    for shop, _interrupt, error in first_points(program):
        states.append((shop.connection.in_transaction, shop.answers[0].status))
        assert not shop.check([])
        del error
    assert set(states) == {(False, "dropped")}
