"""CeleryDelivery: its app, and what a worker says."""

import logging
import subprocess
import sys
from typing import Any

import pytest
from celery import Celery, signals

from clarion.errors import ArgumentError
from clarion.integrations.celery import CeleryDelivery


def test_a_worker_says_what_it_loses(caplog):
    """A worker logs its losses when it is ready."""
    app = Celery("tests", broker="memory://", set_as_current=False)
    delivery = CeleryDelivery(app)
    with caplog.at_level(logging.WARNING, "clarion.background"):
        signals.worker_ready.send(sender=None)
    assert [each.message for each in caplog.records] == delivery.engine.losses()


def test_only_apps_are_accepted():
    """Anything but a Celery application is refused."""
    no_app: Any = "redis://127.0.0.1"
    with pytest.raises(ArgumentError, match="Give it the Celery app"):
        CeleryDelivery(no_app)


def test_a_missing_celery_is_named():
    """Without Celery, the import fails with the line that installs it."""
    code = "import sys; sys.modules['celery'] = None; import clarion.integrations.celery"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "pip install 'clarion-signals[celery]'" in result.stderr
