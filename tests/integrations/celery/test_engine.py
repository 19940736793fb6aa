"""The tasks of Celery in eager mode. `tests/background` has the workers."""

import sqlite3
from typing import Any

import pytest
from celery import Celery, Task
from celery.exceptions import Ignore
from celery.exceptions import Reject as CeleryReject

from clarion.background import HandOver, deliver
from clarion.background.call import write_body
from clarion.commit import atomic
from clarion.envelope import seal
from clarion.errors import HandOverError, Reject, Retry, UnknownReceiverError
from clarion.integrations.celery import CeleryDelivery, engine
from tests.background.brokers import free_port
from tests.integrations.celery.calls import made, mail


async def amail(sender, attempt, **kwargs):
    """Note the call."""
    made.append((kwargs.get("order_id"), attempt))


def failing(sender, attempt, **kwargs):
    """Note the call, and fail."""
    made.append(attempt)
    raise LookupError("mine")


@pytest.fixture
def app(app):
    """Return the app in eager mode."""
    made.clear()
    app.conf.task_always_eager = True
    return app


@pytest.fixture
def connection():
    """Yield a connection to an empty database."""
    opened = sqlite3.connect(":memory:")
    yield opened
    opened.close()


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

    monkeypatch.setattr(engine, "deliver", counted)
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


@pytest.mark.parametrize("retries", [None, 2])
def test_eager_mode_can_raise(app, order_paid, retries):
    """With `task_eager_propagates`, the sender gets the receiver's exception, in place of Celery's Retry."""
    app.conf.task_eager_propagates = True
    order_paid.connect(failing, delivery=CeleryDelivery(app)(retries=retries))
    with pytest.raises(LookupError, match="mine"):
        order_paid.send(None)


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


@pytest.mark.parametrize(
    ("broker", "error", "wait"),
    [
        ("redis://", LookupError(), 30.0),
        ("redis://", Retry(after=90.0), 90.0),
        ("amqp://", LookupError(), 90.0),
    ],
)
def test_a_retry_waits_no_longer_than_the_broker(broker, error, wait):
    """Redis would give a task that waits longer to another worker, too; a named wait is kept."""
    app = Celery("tests", broker=broker, set_as_current=False)
    app.conf.broker_transport_options = {"visibility_timeout": 60}
    assert engine.within_broker(app, error, 90.0) == wait
    assert engine.within_broker(app, error, 5.0) == 5.0
