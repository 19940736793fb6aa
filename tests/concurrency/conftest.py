"""Fixtures of the concurrency tests."""

import gc
import sys

import pytest

from clarion import Signal
from tests.twins import implementation

__all__ = ["implementation"]  # every test of this folder runs with both


@pytest.fixture
def make():
    """Make a signal."""
    return Signal


@pytest.fixture
def signal(make):
    """Return a signal without receivers."""
    return make()


@pytest.fixture
def _fast_switching():
    """Make the interpreter switch threads as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def _frozen_heap():
    """Exclude existing objects from the thousands of collections to come."""
    gc.collect()
    gc.freeze()
