"""Interrupts where Python runs signal handlers: on entry of a function, and after a C call."""

import gc
import logging
import signal
import sys
from contextlib import contextmanager
from threading import Thread


class InterruptedByTestError(Exception):
    """Raised like the SoftTimeLimitExceeded of Celery, which a signal handler raises."""


KINDS = [InterruptedByTestError, KeyboardInterrupt]


class Interrupt:
    """Raise an exception at the nth point where a signal handler could.

    Attributes:
        left: how many points are left; more than 0 if the program ended before the nth.
        where: the function and the line that was interrupted.
    """

    def __init__(self, nth, kind):
        self.left = nth
        self.kind = kind
        self.where = None

    def start(self):
        """Begin to count, in this thread."""
        sys.setprofile(self._count)

    def stop(self):
        """End the count."""
        sys.setprofile(None)

    def _count(self, frame, event, argument):
        # The interpreter looks for signals at these points. After the return of a function in
        # Python, for example, it does not: cleaning up can rely on that.
        if event not in ("call", "c_return") or frame.f_code is Interrupt.stop.__code__:
            return
        if argument is sys.setprofile:
            return
        self.left -= 1
        if not self.left:
            sys.setprofile(None)
            self.where = frame.f_code.co_qualname, frame.f_lineno
            raise self.kind


def attempts(program, kind, *, step=1):
    """Run a program repeatedly, interrupted at a later point each time, until it ends.

    Args:
        program: a function of an `Interrupt`, which it starts.
        kind: the exception to raise.
        step: by how many points later.

    Yields:
        The interrupt, after each run.
    """
    for nth in range(1, 100_000, step):
        interrupt = Interrupt(nth, kind)
        # In a thread of its own, which has no frame of a test runner.
        thread = Thread(target=_attempt, args=(program, interrupt))
        thread.start()
        thread.join()
        yield interrupt
        if interrupt.left > 0:
            return


def _attempt(program, interrupt):
    try:
        program(interrupt)
    except BaseException:  # noqa: BLE001, S110  # the interrupt, or one that it led to
        pass
    finally:
        interrupt.stop()


def interrupted_after(seconds, program):
    """Run a program, and raise from a real signal; return whether an error ended it.

    Args:
        seconds: when the signal comes.
        program: a function of a function, which it calls to start the time.
    """

    def interrupt(*given):
        raise InterruptedByTestError

    def stop():
        signal.setitimer(signal.ITIMER_REAL, 0)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        program(lambda: signal.setitimer(signal.ITIMER_REAL, seconds))
        stop()
    except Exception:  # noqa: BLE001  # the interrupt, or the error of a driver that it led to
        return True
    finally:
        stop()
        signal.signal(signal.SIGALRM, before)
    return False


@contextmanager
def records_of_clarion():
    """Yield a list of the records of Clarion's logger, which are not formatted."""
    records = []

    class Keep(logging.Handler):
        def handle(self, record):
            record.exc_info = None  # it holds frames, and so calls
            records.append(record)
            return True

    logger = logging.getLogger("clarion")
    handlers, propagate = logger.handlers, logger.propagate
    root = logging.getLogger()
    others, root.handlers = root.handlers, []  # they keep records, and so frames
    logger.handlers, logger.propagate = [Keep()], False
    hook, sys.unraisablehook = sys.unraisablehook, lambda unraisable: None  # interrupts in __del__
    gc.disable()  # its callbacks are points, too
    gc.freeze()  # a test may collect many times
    try:
        yield records
    finally:
        gc.unfreeze()
        gc.enable()
        sys.unraisablehook = hook
        logger.handlers, logger.propagate = handlers, propagate
        root.handlers = others


def check_outcome(rows, ran, records, statuses, where):
    """Assert that receivers ran, or were logged, if and only if the row was committed.

    Args:
        rows: the rows that another connection sees.
        ran: the calls of the receiver.
        records: what was logged.
        statuses: the statuses of the calls that were scheduled.
        where: what was interrupted, for the message.
    """
    if rows:
        assert ran or records, f"lost without a word: {where}"
        assert set(statuses) <= {"ran", "failed", "abandoned"}, (statuses, where)
    else:
        assert not ran, f"ran for a row that is not there: {where}"
        assert set(statuses) <= {"dropped", "waiting", "abandoned"}, (statuses, where)
