"""Many threads at once, which must all come to an end."""

import faulthandler
import threading
from collections.abc import Callable

import pytest

PATIENCE = 120.0  # seconds; reached only by a deadlock


def at_once(*functions: Callable[[], object], times: int = 1) -> None:
    """Call functions in threads that begin together, each in as many as told; await them.

    Whatever one of them raises is raised here. If they do not come to an end, where they
    are is written to stderr, and the test fails.
    """
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(functions) * times)

    def run(function: Callable[[], object]) -> None:
        try:
            barrier.wait(PATIENCE)
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
        thread.join(PATIENCE)
        if thread.is_alive():
            faulthandler.dump_traceback(2)
            pytest.fail("Threads wait for each other; see where in stderr.")
    if errors:
        raise errors[0]
