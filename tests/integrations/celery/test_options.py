"""The options of `apply_async`, at connect."""

import subprocess
import sys

import pytest
from celery.app.amqp import Queue

from clarion.errors import ArgumentError
from clarion.integrations.celery import CeleryDelivery
from tests.integrations.celery.calls import made, mail


@pytest.fixture
def app(app):
    """Return the app in eager mode."""
    made.clear()
    app.conf.task_always_eager = True
    return app


@pytest.mark.parametrize(
    "options",
    [
        {"queue": "mail", "priority": 5, "expires": 60},
        {"countdown": 5, "time_limit": 5, "soft_time_limit": 3},
        {"headers": {"tenant": "a"}, "retry_policy": {"max_retries": 1}, "ignore_result": True},
        {"retry_policy": {"on_revive": print, "retry_errors": (OSError,)}},
        {"tenant": "a", "stamped_headers": ["tenant"]},
        {"serializer": "yaml", "compression": "gzip", "delivery_mode": 2, "queue": Queue("mail")},
    ],
)
def test_options_of_celery_are_accepted(app, order_paid, options):
    """Each option that `apply_async` takes is accepted at connect, and works."""
    order_paid.connect(mail, delivery=CeleryDelivery(app)(**options))
    order_paid.send(None)
    assert len(made) == 1


@pytest.mark.parametrize("name", ["queu", "args", "shadow", "task_id", "self"])
def test_other_options_are_refused(app, order_paid, name):
    """An option that Celery does not have, or that Clarion sets, is refused at connect."""
    with pytest.raises(
        ArgumentError, match=f"apply_async of Celery has no option {name}\\. It has "
    ) as caught:
        order_paid.connect(mail, delivery=CeleryDelivery(app)(**{name: "x"}))
    assert caught.value.names == (name,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retry", 3),
        ("priority", "high"),
        ("priority", 300),
        ("countdown", "5"),
        ("expires", -5),
        ("serializer", "jsn"),
        ("compression", "gzp"),
        ("delivery_mode", "sometimes"),
        ("expiration", "soon"),
        ("headers", {"tenant": object()}),
        ("link", 5),
        ("link_error", ["task"]),
        ("retry_policy", {"retries": 1}),
        ("router", "mine"),
        ("queue", ""),
        ("queue", 5),
    ],
)
def test_values_that_celery_cannot_send_are_refused(app, order_paid, name, value):
    """A value that each send would fail with, or ignore, is refused at connect."""
    order_paid.connect(mail, delivery=CeleryDelivery(app)(retry=False, priority=None))
    with pytest.raises(ArgumentError) as caught:
        order_paid.connect(mail, sender="x", delivery=CeleryDelivery(app)(**{name: value}))
    assert caught.value.names == (name,)


def test_options_are_known_under_sentry(app, order_paid):
    """The options are known although Sentry replaces functions of Celery and kombu."""
    code = (
        "import sentry_sdk; from sentry_sdk.integrations.celery import CeleryIntegration;"
        "sentry_sdk.init(integrations=[CeleryIntegration()]);"
        "from clarion.integrations.celery.options import known;"
        "print(*sorted(known()))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert set(result.stdout.split()) >= {"priority", "queue", "countdown", "link", "time_limit"}


@pytest.mark.parametrize("waits", [{"delay": 60}, {"countdown": 60}])
def test_a_task_that_expires_before_its_delay_is_refused(app, order_paid, waits):
    """No worker would run it at any time."""
    with pytest.raises(ArgumentError, match="longer than delay="):
        order_paid.connect(mail, delivery=CeleryDelivery(app)(expires=30, **waits))


def test_two_delays_are_refused(app, order_paid):
    """`countdown` beside our `delay` is refused."""
    with pytest.raises(ArgumentError, match="delay= and countdown"):
        order_paid.connect(mail, delivery=CeleryDelivery(app)(delay=5, countdown=5))


def test_a_queue_that_the_app_does_not_create_is_refused(app, order_paid):
    """With `task_create_missing_queues` off, the queues are those of the settings."""
    app.conf.task_create_missing_queues = False
    delivery = CeleryDelivery(app)
    order_paid.connect(mail, delivery=delivery(queue="celery"))
    app.conf.task_queues = [Queue("mail"), Queue("books")]
    order_paid.connect(mail, sender="x", delivery=delivery(queue="mail"))
    with pytest.raises(ArgumentError, match="It has 'books', 'mail'\\.") as caught:
        order_paid.connect(mail, sender="y", delivery=delivery(queue="mial"))
    assert caught.value.names == ("queue",)


def test_a_queue_that_was_added_to_the_app_is_known(app, order_paid):
    """`app.amqp.queues.add()` declares a queue too; one that is added later is refused, with what to do."""
    app.conf.task_create_missing_queues = False
    app.amqp.queues.add("mail")
    order_paid.connect(mail, delivery=CeleryDelivery(app)(queue="mail"))
    with pytest.raises(ArgumentError, match=r"app\.amqp\.queues\.add\(\), before the receiver"):
        order_paid.connect(mail, sender="x", delivery=CeleryDelivery(app)(queue="books"))
