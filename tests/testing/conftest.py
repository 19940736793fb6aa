"""Fixtures of the tests of clarion.testing."""

import pytest

from tests.testing import muting


@pytest.fixture
def _two_receivers():
    """Connect two receivers to each signal of the tests of muted."""
    for signal in (muting.opened, muting.closed):
        signal.connect(muting.one)
        signal.connect(muting.two, priority=1)
