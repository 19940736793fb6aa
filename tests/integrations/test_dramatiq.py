"""DramatiqDelivery, with Dramatiq's own broker for tests."""

import logging
from typing import Any

import dramatiq
import pytest
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AgeLimit, Retries

from clarion import Signal
from clarion.background.monitoring import TASK
from clarion.errors import ArgumentError
from clarion.integrations.dramatiq import DramatiqDelivery
from tests.integrations.engine_receivers import amail, calls, fail, mail, reject, retry_once


@pytest.fixture
def order_paid():
    """Return a signal."""
    calls.clear()
    return Signal(name="tests.dramatiq.order_paid")


@pytest.fixture
def broker():
    """Yield a broker whose worker runs in this process."""
    made = StubBroker()
    yield made
    made.close()


@pytest.fixture
def run(broker):
    """Return a function that runs a worker until everything is done."""

    def run_all(queue="default"):
        worker = dramatiq.Worker(broker, worker_timeout=10, worker_threads=1)
        worker.start()
        try:
            broker.join(queue, fail_fast=False, timeout=30_000)
        finally:
            worker.stop()

    return run_all


def test_a_worker_calls_receivers(order_paid, broker, run):
    """A worker calls sync and async receivers, those of another queue, too."""
    delivery = DramatiqDelivery(broker)
    order_paid.connect(mail, delivery=delivery)
    order_paid.connect(amail, delivery=delivery(queue_name="mail"))
    order_paid.send("web")
    run()
    run("mail")
    assert calls == [1, 1]
    assert broker.dead_letters == []


def test_a_message_shows_the_receiver(order_paid, broker):
    """Logs show the receiver's name and the uid, and not the values of the send."""
    order_paid.connect(mail, delivery=DramatiqDelivery(broker)(name="mail", time_limit=5000))
    ((_, response),) = order_paid.send("web", card="4000")
    message = next(broker.consume("default"))
    assert str(message) == f"clarion.deliver('mail', uid='{response.uid}')"
    assert message.options["time_limit"] == 5000


def test_retries_are_runs_after_the_first(order_paid, broker, run):
    """With two retries a receiver runs three times, then the message is dead."""
    order_paid.connect(fail, delivery=DramatiqDelivery(broker)(retries=2))
    order_paid.send("web")
    run()
    assert calls == [1, 2, 3]
    assert len(broker.dead_letters) == 1


def test_without_retries_the_broker_decides(order_paid, run, broker):
    """Without `retries` the limit is that of the middleware, or of the message."""
    delivery = DramatiqDelivery(broker)
    order_paid.connect(fail, sender="a", delivery=delivery(max_retries=1, min_backoff=1))
    order_paid.connect(retry_once, sender="b", delivery=delivery(max_retries=1))
    order_paid.send("a")
    run()
    assert calls == [1, 2]
    order_paid.send("b")
    run()
    assert calls == [1, 2, 1, 2]


def test_the_default_of_dramatiq_is_twenty_retries(order_paid, run, broker):
    """Without any option, a receiver that always fails runs 21 times."""
    order_paid.connect(fail, delivery=DramatiqDelivery(broker)(min_backoff=1, max_backoff=1))
    order_paid.send("web")
    run()
    assert calls == list(range(1, 22))


def test_a_receiver_decides(order_paid, broker, run):
    """`Retry` causes another attempt, and `Reject` prevents one."""
    delivery = DramatiqDelivery(broker)(retries=3)
    order_paid.connect(retry_once, sender="a", delivery=delivery)
    order_paid.connect(reject, sender="b", delivery=delivery)
    order_paid.send("a")
    run()
    assert calls == [1, 2]
    order_paid.send("b")
    run()
    assert calls == [1, 2, 1]
    assert len(broker.dead_letters) == 1


def test_an_unknown_receiver_is_tried_again(order_paid, broker, run, caplog):
    """A call of an unknown receiver is tried again, without `retries`, too."""
    delivery = DramatiqDelivery(broker)(retries=0)
    order_paid.connect(mail, delivery=delivery)
    order_paid.send("web")
    order_paid.disconnect(mail)

    def deploy(record):
        if "is called again" in record.getMessage():
            order_paid.connect(mail, delivery=delivery)
        return True

    logging.getLogger("clarion.background").addFilter(deploy)
    try:
        run()
    finally:
        logging.getLogger("clarion.background").removeFilter(deploy)
    assert calls == [2]


def test_a_delay_is_in_milliseconds(order_paid, broker):
    """Our seconds become Dramatiq's milliseconds."""
    order_paid.connect(mail, delivery=DramatiqDelivery(broker)(delay=60))
    order_paid.send("web")
    message = next(broker.consume("default.DQ"))
    assert 50_000 < message.options["eta"] - message.message_timestamp < 70_000


def test_one_actor_for_a_broker(broker):
    """Two deliveries of one broker share its actor."""
    first: Any = DramatiqDelivery(broker).engine
    second: Any = DramatiqDelivery(broker).engine
    assert first.actor is second.actor
    assert set(broker.actors) == {TASK}


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"queue": "mail"}, {"queue"}),
        ({"throws": LookupError}, {"throws"}),
        ({"retries": 2, "max_retries": 3}, {"retries", "max_retries"}),
        ({"time_limit": object()}, {"time_limit"}),
        ({"max_retries": "3"}, {"max_retries"}),
        ({"min_backoff": 5, "queue_name": 5}, {"min_backoff", "queue_name"}),
        ({"on_failure": 5}, {"on_failure"}),
        ({"queue_name": "my mail!"}, {"queue_name"}),
        ({"max_age": 59_000, "delay": 60}, {"max_age"}),
        ({"pipe_target": 5}, {"pipe_target"}),
    ],
)
def test_options_that_it_lacks_are_refused(order_paid, broker, options, names):
    """Options that Dramatiq lacks are refused at connect, with their names."""
    with pytest.raises(ArgumentError) as caught:
        order_paid.connect(mail, delivery=DramatiqDelivery(broker)(**options))
    assert set(caught.value.names) == names


@pytest.mark.parametrize(
    ("limit", "options"),
    [
        (None, {"max_age": 0, "delay": 60}),
        (5000, {"max_age": 0}),
        (5000, {"max_age": 70_000, "delay": 60}),
        (0, {"delay": 60}),
    ],
)
def test_an_age_of_zero_is_that_of_the_broker(order_paid, limit, options):
    """`max_age=0` means to Dramatiq that none is given."""
    broker = StubBroker(middleware=[AgeLimit(max_age=limit), Retries()])
    order_paid.connect(mail, delivery=DramatiqDelivery(broker)(**options))
    order_paid.send(None)
    assert sum(queue.qsize() for queue in broker.queues.values()) == 1


@pytest.mark.parametrize("options", [{}, {"max_age": 0}])
def test_a_delay_beyond_the_age_of_the_broker_is_refused(order_paid, options):
    """The limit of the broker's own middleware would drop each call before it runs."""
    broker = StubBroker(middleware=[AgeLimit(max_age=5000)])
    with pytest.raises(ArgumentError, match="longer than delay="):
        order_paid.connect(mail, delivery=DramatiqDelivery(broker)(delay=5, **options))


@pytest.mark.parametrize("middleware", [[], [Retries(retry_when=lambda retries, error: False)]])
def test_retries_need_the_middleware(order_paid, middleware):
    """`retries` is refused on a broker without the middleware that counts them."""
    broker = StubBroker(middleware=middleware)
    with pytest.raises(ArgumentError, match="Retries") as caught:
        order_paid.connect(mail, delivery=DramatiqDelivery(broker)(retries=2))
    assert set(caught.value.names) == {"retries"}


@pytest.mark.parametrize(
    ("broker", "lost"),
    [
        (RabbitmqBroker(), ["confirm_delivery"]),
        (RabbitmqBroker(confirm_delivery=True), []),
        (RedisBroker(), []),
        (StubBroker(middleware=[]), ["Retries"]),
    ],
)
def test_what_is_lost(broker, lost):
    """Each loss names its setting."""
    found = DramatiqDelivery(broker).engine.losses()
    assert len(found) == len(lost)
    assert all(setting in each for setting, each in zip(lost, found, strict=True))


def test_a_worker_says_at_its_start_what_is_lost(caplog):
    """A worker logs each loss once at its start, with the setting."""
    broker = StubBroker(middleware=[])
    DramatiqDelivery(broker)
    worker = dramatiq.Worker(broker, worker_threads=1)
    worker.start()
    worker.stop()
    assert [each.message for each in caplog.records if "Retries" in each.message] != []


def test_a_failure_without_the_middleware_is_not_hidden(order_paid, caplog):
    """Without the middleware Dramatiq logs the error of the receiver."""
    broker = StubBroker(middleware=[])
    order_paid.connect(fail, delivery=DramatiqDelivery(broker))
    order_paid.send("web")
    worker = dramatiq.Worker(broker, worker_timeout=10, worker_threads=1)
    worker.start()
    broker.join("default", fail_fast=False, timeout=30_000)
    worker.stop()
    assert calls == [1]
    assert LookupError in [each.exc_info[0] for each in caplog.records if each.exc_info]


def test_only_brokers_are_accepted():
    """Anything but a broker of Dramatiq is refused."""
    no_broker: Any = "redis://"
    with pytest.raises(ArgumentError, match="broker"):
        DramatiqDelivery(no_broker)
