"""Celery: options, losses and eager mode. `tests/background` has the workers."""

import logging
import re
import sqlite3
import subprocess
import sys
from typing import Any

import pytest
from celery import Celery, Task, signals
from celery.exceptions import Ignore
from celery.exceptions import Reject as CeleryReject
from kombu.transport import TRANSPORT_ALIASES

from clarion import Signal
from clarion.background import HandOver, deliver
from clarion.background.call import write_body
from clarion.commit import atomic
from clarion.envelope import seal
from clarion.errors import ArgumentError, HandOverError, Reject, UnknownReceiverError
from clarion.integrations import celery as module
from clarion.integrations.celery import TASK, CeleryDelivery
from tests.background.brokers import free_port

made: list[Any] = []


def mail(sender, attempt, **kwargs):
    """Note the call."""
    made.append((kwargs.get("order_id"), attempt))


async def amail(sender, attempt, **kwargs):
    """Note the call."""
    made.append((kwargs.get("order_id"), attempt))


def failing(sender, attempt, **kwargs):
    """Note the call, and fail."""
    made.append(attempt)
    raise LookupError("mine")


@pytest.fixture
def app():
    """Yield an app in eager mode."""
    made.clear()
    found = Celery("tests", broker="memory://", set_as_current=False)
    found.conf.task_always_eager = True
    yield found
    found.close()


@pytest.fixture
def connection():
    """Yield a connection to an empty database."""
    opened = sqlite3.connect(":memory:")
    yield opened
    opened.close()


@pytest.fixture
def order_paid():
    """Return a signal."""
    return Signal(name="tests.celery.order_paid")


@pytest.mark.parametrize("receiver", [mail, amail])
def test_eager_mode_calls_receivers_after_the_commit(app, order_paid, connection, receiver):
    """In Celery's eager mode a receiver runs, and only after the commit."""
    order_paid.connect(receiver, delivery=CeleryDelivery(app))
    with atomic(connection):
        ((_, response),) = order_paid.send(None, order_id=7)
        assert made == []
    assert made == [(7, 1)]
    assert type(response) is HandOver


@pytest.mark.parametrize("retries", [0, 2, 5])
@pytest.mark.parametrize(
    "annotation",
    [{}, {"max_retries": 1}, {"max_retries": 9, "autoretry_for": (Exception,)}],
    ids=["none", "limit", "autoretry"],
)
def test_retries_are_counted(app, order_paid, retries, annotation):
    """`retries` counts, also beyond Celery's own limit of 3, and whatever an annotation says."""
    app.conf.task_annotations = {"*": {"default_retry_delay": 0, **annotation}}
    order_paid.connect(failing, delivery=CeleryDelivery(app)(retries=retries))
    order_paid.send(None)
    assert made == list(range(1, retries + 2))


def test_tasks_that_retry_by_themselves_are_no_base(order_paid):
    """Without `retries` there is one run, also if the tasks of the app retry by themselves."""
    made.clear()
    base = type("Again", (Task,), {"autoretry_for": (Exception,), "default_retry_delay": 0})
    app = Celery("tests", broker="memory://", set_as_current=False, task_cls=base)
    app.conf.task_always_eager = True
    order_paid.connect(failing, delivery=CeleryDelivery(app))
    order_paid.send(None)
    assert made == [1]


def test_an_unknown_receiver_is_tried_again_for_ten_minutes(app, order_paid, monkeypatch):
    """A receiver that is not deployed yet is tried ten times more, beyond Celery's own limit."""
    order_paid.connect(mail, delivery=CeleryDelivery(app)(name="shop.mail"))
    order_paid.send(None)
    body = seal(order_paid, {"sender": None, "signal": order_paid})
    attempts: list[int] = []

    def counted(body, attempt):
        attempts.append(attempt)
        deliver(body, attempt)

    monkeypatch.setattr(module, "deliver", counted)
    task: Any = CeleryDelivery(app).engine
    result = task.task.apply((write_body("shop.letters", None, body),))
    assert attempts == list(range(1, 12))
    assert isinstance(result.result, UnknownReceiverError)


@pytest.mark.parametrize("error", [Ignore(), CeleryReject("no", requeue=False)])
def test_celerys_own_ways_to_end_a_task_work(app, order_paid, error):
    """A receiver that raises Celery's `Ignore` or `Reject` is not called again."""

    def ending(sender, attempt, **kwargs):
        made.append(attempt)
        raise error

    order_paid.connect(ending, delivery=CeleryDelivery(app)(name="ending", retries=2))
    order_paid.send(None)
    assert made == [1]


def test_eager_mode_can_raise(app, order_paid):
    """With `task_eager_propagates`, the sender gets the receiver's exception."""
    app.conf.task_eager_propagates = True
    order_paid.connect(failing, delivery=CeleryDelivery(app))
    with pytest.raises(LookupError, match="mine"):
        order_paid.send(None)


@pytest.mark.parametrize(
    "options",
    [
        {"queue": "mail", "priority": 5, "expires": 60},
        {"countdown": 5, "time_limit": 5, "soft_time_limit": 3},
        {"headers": {"tenant": "a"}, "retry_policy": {"max_retries": 1}, "ignore_result": True},
        {"tenant": "a", "stamped_headers": ["tenant"]},
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
    ("name", "value"), [("retry", 3), ("priority", "high"), ("countdown", "5")]
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
        "from clarion.integrations.celery import _known;"
        "print(*sorted(_known()))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert set(result.stdout.split()) >= {"priority", "queue", "countdown", "link", "time_limit"}


def test_two_delays_are_refused(app, order_paid):
    """`countdown` beside our `delay` is refused."""
    with pytest.raises(ArgumentError, match="delay= and countdown"):
        order_paid.connect(mail, delivery=CeleryDelivery(app)(delay=5, countdown=5))


def test_losses_name_the_setting(app):
    """Each loss of the configuration is listed with the setting that prevents it."""
    engine = CeleryDelivery(app).engine
    late, lost = engine.losses()
    assert "task_acks_late" in late
    assert "task_reject_on_worker_lost" in lost
    app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True)
    assert engine.losses() == []
    app.conf.task_annotations = {TASK: {"acks_late": False}}
    assert engine.losses() == [late]


def test_losses_do_not_bind_the_task(app):
    """Looking for losses before the program has set its options does not fix those of the task."""
    engine: Any = CeleryDelivery(app).engine
    engine.losses()
    app.conf.task_acks_late = True
    assert engine.task.acks_late is True


def test_losses_need_no_client_of_the_broker(monkeypatch):
    """Losses are listed without the package of the broker, as `manage.py check` needs."""
    monkeypatch.setitem(TRANSPORT_ALIASES, "absent", "shop_without_client:Transport")
    app = Celery("shop", broker="absent://127.0.0.1", set_as_current=False)
    with pytest.raises(ModuleNotFoundError, match="shop_without_client"):
        app.connection_for_write()
    assert len(CeleryDelivery(app).engine.losses()) == 2


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


def test_a_worker_says_what_it_loses(app, caplog):
    """A worker logs its losses when it is ready."""
    delivery = CeleryDelivery(app)
    with caplog.at_level(logging.WARNING, "clarion.background"):
        signals.worker_ready.send(sender=None)
    assert [each.message for each in caplog.records] == delivery.engine.losses()


def test_a_broker_that_does_not_answer_is_not_awaited(app, order_paid):
    """`hold` ends the wait for a broker that accepts a connection and says nothing."""
    import socket

    with socket.create_server(("127.0.0.1", free_port())) as silent:
        app.conf.update(
            task_always_eager=False, broker_url=f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        )
        order_paid.connect(mail, delivery=CeleryDelivery(app, hold=0.2))
        with pytest.raises(HandOverError, match="Celery has not confirmed"):
            order_paid.send(None)


def test_failures_that_are_final_fail_the_task(app, order_paid):
    """`Reject` fails the task at once."""
    app.conf.task_eager_propagates = True
    order_paid.connect(rejecting, delivery=CeleryDelivery(app)(retries=5))
    with pytest.raises(Reject):
        order_paid.send(None)
    assert made == ["rejected"]


def rejecting(sender, **kwargs):
    """Reject the delivery."""
    made.append("rejected")
    raise Reject("no")


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
