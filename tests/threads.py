"""A system that has no more threads, for a while."""

import threading
from contextlib import contextmanager

import pytest


@contextmanager
def no_more_threads(name, times=1_000_000):
    """Let the threads whose name begins with a text not start, inside the block.

    Args:
        name: how the names of the threads begin.
        times: how often it happens.

    Yields:
        The names of the threads that could not start.
    """
    start = threading.Thread.start
    refused: list[str] = []

    def refuse(self):
        if self.name.startswith(name) and len(refused) < times:
            refused.append(self.name)
            raise RuntimeError("can't start new thread")
        start(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        yield refused
