"""Blocks whose changes the pytest plugin does not log."""

from contextlib import contextmanager

from clarion.testing import change_log


@contextmanager
def without_log():
    """Log no connects, so that memory and calls are those of the program."""
    logs, change_log._logs[:] = change_log._logs.copy(), []
    try:
        yield
    finally:
        change_log._logs[:] = logs
