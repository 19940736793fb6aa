"""Many threads that run at once."""

import faulthandler
import itertools
import threading
from collections.abc import Callable

import pytest

from clarion import Signal
from tests.core.receivers import answering

THREADS = 6
ROUNDS = 120

TIMEOUT = 120.0  # seconds; reached only by a deadlock


def run_threads(*functions: Callable[[], object], times: int = 1) -> None:
    """Call each function in as many threads as `times` says, all at once, and join them.

    An error of one thread is raised here. If threads do not end, their stacks are written to
    stderr and the test fails.
    """
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(functions) * times)

    def run(function: Callable[[], object]) -> None:
        try:
            barrier.wait(TIMEOUT)
            function()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [
        threading.Thread(target=run, args=(function,), daemon=True)
        for function in functions
        for _ in range(times)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
        if thread.is_alive():
            faulthandler.dump_traceback(2)
            pytest.fail("The threads are deadlocked; their stacks are in stderr.")
    if errors:
        raise errors[0]


class Sender:
    """A sender that can have subclasses."""


def churn(signal: Signal, rounds: int) -> Callable[[], None]:
    """Return a function that connects and disconnects receivers of the tests' senders."""

    def run() -> None:
        receiver = answering("churn")
        for sender in itertools.islice(itertools.cycle([None, "web", Sender]), rounds):
            signal.connect(receiver, sender=sender, dispatch_uid=threading.get_ident())
            signal.disconnect(sender=sender, dispatch_uid=threading.get_ident())

    return run
