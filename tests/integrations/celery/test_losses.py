"""What Celery loses or repeats, with the settings."""

import re
import sys

import pytest
from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

from clarion.background.monitoring import TASK
from clarion.integrations.celery import CeleryDelivery


def test_losses_name_the_setting(app):
    """Each loss of the configuration is listed with the setting that prevents it."""
    engine = CeleryDelivery(app).engine
    assert engine.missing() == []
    late, lost = engine.losses()
    assert "task_acks_late" in late
    assert "task_reject_on_worker_lost" in lost
    app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True)
    assert engine.losses() == []
    app.conf.task_annotations = {TASK: {"acks_late": False}}
    assert engine.losses() == [late]


def test_losses_do_not_bind_the_task(app):
    """Looking for losses before the program has set its options does not fix those of the task."""
    engine = CeleryDelivery(app).engine
    engine.losses()
    app.conf.task_acks_late = True
    assert app.tasks[TASK].acks_late is True


def test_losses_need_no_client_of_the_broker(monkeypatch):
    """Losses are listed without the package of the broker, as `manage.py check` needs."""
    monkeypatch.setitem(TRANSPORT_ALIASES, "absent", "shop_without_client:Transport")
    app = Celery("shop", broker="absent://127.0.0.1", set_as_current=False)
    with pytest.raises(ModuleNotFoundError, match="shop_without_client"):
        app.connection_for_write()
    engine = CeleryDelivery(app).engine
    assert len(engine.losses()) == 2
    assert engine.missing()[0].endswith("Install the package of this broker.")


def test_losses_need_no_client_of_redis(monkeypatch):
    """Without it, kombu's module for Redis raises another error than an ImportError."""
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "kombu.transport.redis", raising=False)
    monkeypatch.setattr("kombu.transport._transport_cache", {})
    app = Celery("shop", broker="redis://127.0.0.1", set_as_current=False)
    with pytest.raises(AttributeError, match="Redis"):
        app.connection_for_write()
    delivery = CeleryDelivery(app)(delay=7200)
    assert len(delivery.losses()) == 2
    (missing,) = delivery.engine.missing()
    assert "broker redis is not installed. Install celery[redis]." in missing


def test_losses_on_rabbitmq_name_the_setting(app):
    """On RabbitMQ, the losses name publisher confirms and persistent messages, too."""
    app.conf.update(
        broker_url="amqp://127.0.0.1//",
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_default_delivery_mode="transient",
    )
    unconfirmed, transient = CeleryDelivery(app).engine.losses()
    assert "confirm_publish" in unconfirmed
    assert "persistent" in transient


@pytest.mark.parametrize(
    ("namespace", "written"),
    [
        ("CELERY", "CELERY_{}"),
        ("CELERY_", "CELERY_{}"),
        ("celery", "celery_{}"),
        ("", "{}"),
    ],
)
def test_losses_name_the_setting_as_the_user_writes_it(namespace, written):
    """With a namespace, as in Django's settings, each setting has its prefix and its case."""

    def setting(name):
        found = written.format(name)
        return found.upper() if namespace.isupper() else found

    given = {
        setting("broker_url"): "amqp://127.0.0.1//",
        setting("task_default_delivery_mode"): "transient",
    }
    app = Celery("shop", set_as_current=False)
    app.config_from_object(given, namespace=namespace or None)
    losses = CeleryDelivery(app).engine.losses()
    cures = {
        setting("task_acks_late"): True,
        setting("task_reject_on_worker_lost"): True,
        setting("broker_transport_options"): {"confirm_publish": True},
        setting("task_default_delivery_mode"): "persistent",
    }
    for loss, cure in zip(losses, cures, strict=True):
        assert re.search(rf"\bSet {cure} = ", loss)
    assert f"{setting('task_annotations')} = " in losses[0]
    app = Celery("shop", set_as_current=False)
    app.config_from_object(given | cures, namespace=namespace or None)
    assert CeleryDelivery(app).engine.losses() == []


@pytest.mark.parametrize(
    ("broker", "options", "delay", "is_said"),
    [
        ("redis://", {}, 3600, True),
        ("redis://", {}, 3599, False),
        ("redis://", {"visibility_timeout": 60}, 100, True),
        ("redis://", {"visibility_timeout": 86400}, 7200, False),
        ("amqp://", {"confirm_publish": True}, 7200, False),
    ],
)
def test_a_delay_that_repeats_a_task_is_said(broker, options, delay, is_said):
    """Redis gives a task that waits longer than its timeout to another worker, too."""
    app = Celery("shop", broker=broker, set_as_current=False)
    app.conf.broker_transport_options = options
    celery = CeleryDelivery(app)
    for delivery in (celery(delay=delay), celery(countdown=delay)):
        found = delivery.engine.losses_with(delivery.options)
        assert [f'{{"visibility_timeout": {2 * delay}}}' in each for each in found] == [
            True
        ] * is_said
