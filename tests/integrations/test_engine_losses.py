"""What each engine loses by settings and options that are given in unusual ways."""

import logging
import pickle
from collections import Counter
from typing import Any

import pytest
from celery import Celery
from redis import Redis
from rq import Callback, Queue
from taskiq import InMemoryBroker
from taskiq_aio_pika import AioPikaBroker
from taskiq_aio_pika.queue import Queue as RabbitQueue
from taskiq_redis import RedisStreamBroker

from clarion import Signal, durable
from clarion.background.monitoring import TASK
from clarion.errors import ArgumentError
from clarion.integrations.celery import CeleryDelivery
from clarion.integrations.rq import RQDelivery
from clarion.integrations.taskiq import TaskiqDelivery
from tests.integrations.engine_receivers import mail

SAFE = {
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "broker_transport_options": {"confirm_publish": True},
}


@pytest.fixture
def order_paid():
    """Return a signal."""
    return Signal(name="tests.engine_losses.order_paid")


def celery_app(**settings):
    """Return an app whose settings lose nothing, but for those given."""
    app = Celery("tests", broker="amqp://127.0.0.1//", set_as_current=False)
    app.conf.update(SAFE | settings)
    return app


@pytest.mark.parametrize(
    "annotations",
    [
        {TASK: {"acks_late": False}},
        {TASK: {"acks_late": True}, "*": {"acks_late": False}},
        {TASK: {"acks_late": False}, "*": {"acks_late": True}},
        [{"*": {"acks_late": False}}],
        [{TASK: {"acks_late": False}}, {TASK: {"acks_late": True}}],
    ],
)
def test_annotations_of_celery_are_read_as_celery_reads_them(annotations):
    """A loss is named if Celery's own task has the setting, however it was given."""
    engine: Any = CeleryDelivery(celery_app(task_annotations=annotations)).engine
    found = engine.losses()
    assert bool(found) is not engine.task.acks_late
    assert all("task_acks_late" in each for each in found)


@pytest.mark.parametrize("mode", [1, "transient"])
def test_a_transient_task_is_a_loss(order_paid, caplog, mode):
    """A task that is transient by its own option is warned of once, and refused for `via`."""
    app = celery_app(task_always_eager=True)
    delivery = CeleryDelivery(app)(delivery_mode=mode)
    with pytest.raises(ArgumentError, match='Set delivery_mode = "persistent"') as caught:
        order_paid.connect(mail, delivery=durable(via=delivery))
    assert caught.value.names == ("via",)
    order_paid.connect(mail, sender="a", delivery=delivery)
    order_paid.connect(mail, sender="b", delivery=delivery(name="b"))
    with caplog.at_level(logging.WARNING, "clarion.background"):
        order_paid.send("a")
        order_paid.send("b")
    assert len([each for each in caplog.records if "is transient" in each.message]) == 1
    order_paid.connect(mail, sender="c", delivery=durable(via=CeleryDelivery(app), name="c"))


def test_a_transient_task_of_redis_is_no_loss():
    """Only RabbitMQ has transient messages."""
    app = celery_app(broker_url="redis://127.0.0.1")
    assert CeleryDelivery(app)(delivery_mode=1).losses() == []


def test_redis_without_acknowledgements_is_a_loss():
    """Redis forgets a task that a worker takes, if the transport does not emulate acknowledgements."""
    app = celery_app(
        broker_url="redis://127.0.0.1", broker_transport_options={"ack_emulation": False}
    )
    (loss,) = CeleryDelivery(app).losses()
    assert "ack_emulation is off. Leave it out of broker_transport_options." in loss


@pytest.mark.parametrize(("name", "value"), [("eta", 5), ("eta", "soon"), ("expires", "later")])
def test_times_that_celery_cannot_send_are_refused(order_paid, name, value):
    """A time with which each send would fail is refused at connect."""
    delivery = CeleryDelivery(celery_app())
    with pytest.raises(ArgumentError, match=f"{name}=a") as caught:
        order_paid.connect(mail, delivery=delivery(**{name: value}))
    assert caught.value.names == (name,)
    order_paid.connect(mail, delivery=delivery(eta="2030-01-01T00:00:00Z", expires=5))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("compression", "text"),
        ("headers", "a mapping"),
        ("retry_policy", "a mapping"),
        ("serializer", "text"),
    ],
)
def test_kinds_that_celery_cannot_send_are_refused(order_paid, name, wanted):
    """A value of another type, with which each send would fail, is refused at connect."""
    delivery = CeleryDelivery(celery_app())
    with pytest.raises(ArgumentError, match=f"{name}=an int. Give {wanted}") as caught:
        order_paid.connect(mail, delivery=delivery(**{name: 5}))
    assert caught.value.names == (name,)
    order_paid.connect(mail, delivery=delivery(**{"serializer": "json", "headers": {}, name: None}))


@pytest.mark.parametrize(
    "broker", [AioPikaBroker(), RedisStreamBroker("redis://127.0.0.1"), InMemoryBroker()]
)
def test_a_broker_of_taskiq_without_delays_is_refused(broker):
    """`broker_delays` is refused for a broker that would drop the task, or send it at once."""
    with pytest.raises(ArgumentError, match="delays no tasks") as caught:
        TaskiqDelivery(broker, broker_delays=True)
    assert caught.value.names == ("broker_delays",)


def test_a_broker_of_taskiq_with_delays_is_accepted():
    """A queue for delays and the plugin of RabbitMQ are accepted."""
    TaskiqDelivery(AioPikaBroker(delay_queue=RabbitQueue(name="later")), broker_delays=True)
    TaskiqDelivery(AioPikaBroker(delayed_message_exchange_plugin=True), broker_delays=True)


@pytest.mark.parametrize(
    ("name", "meant"), [("countdown", "delay"), ("eta", "delay"), ("retry", "retries")]
)
def test_words_of_other_engines_are_no_labels(order_paid, name, meant):
    """A word for `delay` or `retries` would be a label without effect, so it is refused."""
    with pytest.raises(ArgumentError, match=f"no option {name}. Clarion's own option is {meant}"):
        order_paid.connect(mail, delivery=TaskiqDelivery(InMemoryBroker())(**{name: 5}))


class OwnPickle:
    """A serializer of the program."""

    dumps, loads = staticmethod(pickle.dumps), staticmethod(pickle.loads)


@pytest.mark.parametrize("serializer", [pytest.param("pickle", id="name"), pickle, OwnPickle, None])
def test_each_way_to_pickle_is_a_loss(order_paid, serializer):
    """A queue of RQ that pickles is refused for `via`, whichever object pickles."""
    queue = Queue("mail", connection=Redis(), serializer=serializer)
    with pytest.raises(ArgumentError, match="uses pickle"):
        order_paid.connect(mail, delivery=durable(via=RQDelivery(queue)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("depends_on", 3),
        ("meta", 3),
        ("meta", {"a": object()}),
        ("on_success", 3),
        ("on_failure", Redis),
        ("on_success", Counter().update),
        ("repeat", 3),
        ("rate_limit", 3),
    ],
)
def test_values_without_a_job_are_refused(order_paid, name, value):
    """A value of another type, with which no job of RQ runs, is refused at connect."""
    delivery = RQDelivery(Queue("mail", connection=Redis(), serializer="json"))
    with pytest.raises(ArgumentError, match="RQ makes no job") as caught:
        order_paid.connect(mail, delivery=delivery(**{name: value}))
    assert caught.value.names == (name,)
    order_paid.connect(mail, delivery=delivery(meta={"a": 1}, on_success=Callback(mail)))
