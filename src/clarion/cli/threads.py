"""End the process although a thread of the user's modules still runs."""

from __future__ import annotations

import os
import sys
import threading
from time import sleep

from clarion._core.printable import safe

GRACE = 2.0  # seconds for the threads to end

_waiting: list[str] = []


def wait_for_threads(command: str) -> None:
    """Let Python wait for the threads after all, because this command needs them."""
    _waiting.append(command)


def end_in_spite_of_threads(code: int, *, is_silent: bool = False) -> None:
    """Let the process end, with this exit code, although threads that are no daemons still run.

    Python waits for such threads, and a module that starts one would keep the command alive.

    Args:
        code: the exit code.
        is_silent: whether to end at once, and to print nothing.
    """
    if not _waiting:
        threading.Thread(target=_end, args=(code, is_silent), daemon=True).start()


def _end(code: int, is_silent: bool) -> None:  # the target of a thread
    threading.main_thread().join()  # it ends before Python waits for the others
    if is_silent:
        os._exit(code)
    sleep(GRACE)
    if names := running_threads():
        thread = "thread" if len(names) == 1 else "threads"
        runs = "still runs" if len(names) == 1 else "still run"
        sys.stderr.write(
            f"The {thread} {', '.join(names)} of the program {runs}. The command ends without "
            f"waiting. Start a thread in a function that the program calls, not in an import.\n"
        )
        sys.stderr.flush()
        os._exit(code)


def running_threads() -> list[str]:
    """Return the names of the threads for which Python waits."""
    return sorted(
        safe(each.name)
        for each in threading.enumerate()
        if not each.daemon and each is not threading.main_thread()
    )
