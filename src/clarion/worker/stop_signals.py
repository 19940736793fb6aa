"""Stop a worker by SIGTERM, SIGINT or SIGHUP: the second one does not wait for running receivers."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

SIGNALS = (signal.SIGTERM, signal.SIGINT)
# The end of a terminal. Windows has no such signal, and nohup ignores it.
_HANGUP: signal.Signals | None = getattr(signal, "SIGHUP", None)


@contextmanager
def stop_on_signals(stop: Callable[[], object]) -> Generator[None]:
    """Call a function at each SIGTERM and SIGINT of the block, and at SIGHUP if that would end the process.

    Only the main thread can handle signals. In another thread this does nothing.

    Args:
        stop: the function. A signal may interrupt any code, so it must only set flags.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: object) -> None:  # noqa: ARG001
        stop()

    before = {number: signal.signal(number, handle) for number in _stopping()}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # otherwise it was set by C code, which Python cannot restore
                signal.signal(number, handler)


def _stopping() -> Iterator[signal.Signals]:
    yield from SIGNALS
    if _HANGUP is not None and signal.getsignal(_HANGUP) is signal.SIG_DFL:
        yield _HANGUP
