"""Stop a worker by SIGTERM, SIGINT or SIGHUP: the second one does not wait for running receivers.

Such a signal is for the whole program. So it reaches the program after the worker has ended.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from typing import Self

SIGNALS = (signal.SIGTERM, signal.SIGINT)
# The end of a terminal. Windows has no such signal, and nohup ignores it.
_HANGUP: signal.Signals | None = getattr(signal, "SIGHUP", None)

_is_command: ContextVar[bool] = ContextVar("clarion_worker_is_command", default=False)


@contextmanager
def command_of_its_own() -> Generator[None]:
    """Let a worker of the block end like `run` at a signal, because the process does nothing else."""
    token = _is_command.set(True)
    try:
        yield
    finally:
        _is_command.reset(token)


class StopSignals:
    """Calls a function at each signal that stops a worker, and sends the signal to the program at the end.

    Enter it around all that the worker does. Its end sends each signal again that has come while `handled`
    was open.

    Args:
        stop: the function. A signal may interrupt any code, so it must only set flags.
        ends_by_signal: whether a signal is the usual end. Then only a handler of the program's own gets it
            again, and without one the program continues.

    Attributes:
        received: the signals that have come, in their order.
    """

    def __init__(self, stop: Callable[[], object], *, ends_by_signal: bool) -> None:
        self.received: list[int] = []
        self._stop = stop
        self._ends_by_signal = ends_by_signal or _is_command.get()

    @contextmanager
    def handled(self) -> Generator[None]:
        """Handle SIGTERM and SIGINT in the block, and SIGHUP if that would end the process.

        Only the main thread can handle signals. In another thread this does nothing.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._handle) for number in _stopping()}
        try:
            yield
        finally:
            for number, handler in before.items():
                if (
                    handler is not None
                ):  # otherwise it was set by C code, which Python cannot restore
                    signal.signal(number, handler)

    def _handle(self, number: int, frame: object) -> None:  # noqa: ARG002
        self.received.append(number)
        self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for number in dict.fromkeys(self.received):
            if not self._ends_by_signal or _is_own(signal.getsignal(number)):
                signal.raise_signal(number)


def _stopping() -> Iterator[signal.Signals]:
    yield from SIGNALS
    if _HANGUP is not None and signal.getsignal(_HANGUP) is signal.SIG_DFL:
        yield _HANGUP


def _is_own(handler: Any) -> bool:
    """Return whether a handler is a function of the program."""
    return callable(handler) and handler is not signal.default_int_handler
