"""Stop a worker by SIGTERM or SIGINT: the second one does not wait for running receivers."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stop_on_signals(stop: Callable[[], object]) -> Generator[None]:
    """Call a function at each SIGTERM and SIGINT of the block.

    Only the main thread can handle signals. In another thread this does nothing.

    Args:
        stop: the function. A signal may interrupt any code, so it must only set flags.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: object) -> None:  # noqa: ARG001
        stop()

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
