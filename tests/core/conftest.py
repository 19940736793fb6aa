"""Fixtures of the core tests: both implementations, a signal, and the four sends."""

from functools import partial

import pytest

from clarion import Signal
from clarion._core import thread_loop
from clarion._core.table import Table
from tests.core.receivers import deliver, nothing
from tests.twins import implementation

__all__ = ["implementation"]  # every test of this folder runs with both


@pytest.fixture
def make():
    """Return the class of signals that the tests use."""
    return Signal


@pytest.fixture
def signal(make):
    """Return a signal without receivers."""
    return make()


@pytest.fixture
def other(make):
    """Return a second signal without receivers."""
    return make()


@pytest.fixture(params=["send", "send_robust", "asend", "asend_robust"])
def send(request):
    """Return each of the four sends in turn, with one call: `send(signal, sender, **named)`."""
    return partial(deliver, request.param)


@pytest.fixture(params=["send", "asend"])
def strict_send(request):
    """Return the two sends that raise the errors of receivers."""
    return partial(deliver, request.param)


@pytest.fixture(params=["send_robust", "asend_robust"])
def robust_send(request):
    """Return the two sends that return the errors of receivers."""
    return partial(deliver, request.param)


@pytest.fixture(params=["asend", "asend_robust"])
def async_send(request):
    """Return the two async sends, as coroutine functions."""

    def asend(signal, sender=None, /, **named):
        return getattr(signal, request.param)(sender, **named)

    return asend


@pytest.fixture
def table():
    """Return a table without registrations."""
    return Table()


@pytest.fixture
def own_loop():
    """Return the event loop of this thread, created if needed."""
    thread_loop.complete(nothing())
    assert thread_loop._of_thread.loop is not None
    return thread_loop._of_thread.loop
