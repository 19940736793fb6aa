"""What the tests of concurrency share."""

import gc
import sys

import pytest

from clarion import Signal
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
def _hasty():
    """Have threads change as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def _quick_collection():
    """Leave out of each collection what was there before: there will be thousands of them."""
    gc.collect()
    gc.freeze()
