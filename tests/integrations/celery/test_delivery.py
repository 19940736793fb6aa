"""CeleryDelivery: its app, and what a worker says."""

import logging
import subprocess
import sys
from typing import Any

import pytest
from celery import Celery, current_app, signals

from clarion import Signal
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


def test_the_current_app_is_refused():
    """It may be another app at the send, so the tasks would go to its broker, and be lost."""
    with pytest.raises(ArgumentError, match="Give it the app itself"):
        CeleryDelivery(current_app)


def test_an_app_may_be_configured_after_the_receivers_are_connected():
    """As by a factory of the application. The options may name a queue before that."""
    made = []
    app = Celery("shop", set_as_current=False)
    order_paid = Signal(name="tests.celery.configured_later")
    receiver = order_paid.connect(
        lambda sender, **kwargs: made.append(kwargs["order_id"]),
        delivery=CeleryDelivery(app)(name="shop.later", queue="mail"),
        weak=False,
    )
    app.config_from_object({"broker_url": "memory://", "task_always_eager": True})
    order_paid.send(None, order_id=7)
    order_paid.disconnect(receiver)
    assert made == [7]


def test_a_missing_celery_is_named():
    """Without Celery, the import fails with the line that installs it."""
    code = "import sys; sys.modules['celery'] = None; import clarion.integrations.celery"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "pip install 'clarion-signals[celery]'" in result.stderr
