"""An app whose broker is in memory, and a signal."""

import pytest
from celery import Celery

from clarion import Signal


@pytest.fixture
def app():
    """Yield an app whose broker is in memory."""
    found = Celery("tests", broker="memory://", set_as_current=False)
    yield found
    found.close()


@pytest.fixture
def order_paid():
    """Return a signal."""
    return Signal(name="tests.celery.order_paid")
