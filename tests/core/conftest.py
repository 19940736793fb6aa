"""What the tests of the core share: both implementations, a signal, and the four sends."""

from functools import partial

import pytest

from clarion import Signal
from tests.core.receivers import deliver
from tests.twins import implementation

__all__ = ["implementation"]  # every test of this folder runs with either


@pytest.fixture
def make():
    """Make a signal."""
    return Signal


@pytest.fixture
def signal(make):
    """Return a signal that nobody listens to."""
    return make()


@pytest.fixture
def other(make):
    """Return a second signal that nobody listens to."""
    return make()


@pytest.fixture(params=["send", "send_robust", "asend", "asend_robust"])
def send(request):
    """Return each of the four sends in turn, called alike: `send(signal, sender, **named)`."""
    return partial(deliver, request.param)


@pytest.fixture(params=["send", "asend"])
def strict_send(request):
    """Return the two sends that let errors through."""
    return partial(deliver, request.param)


@pytest.fixture(params=["send_robust", "asend_robust"])
def robust_send(request):
    """Return the two sends that answer with the error."""
    return partial(deliver, request.param)


@pytest.fixture(params=["asend", "asend_robust"])
def async_send(request):
    """Return the two sends that are awaited, as coroutine functions."""

    def asend(signal, sender=None, /, **named):
        return getattr(signal, request.param)(sender, **named)

    return asend
