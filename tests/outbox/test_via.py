"""durable(via=...): stored deliveries that a worker hands to an engine."""

import logging

import pytest

from clarion import Signal, durable
from clarion.background import EngineDelivery, deliver
from clarion.commit import atomic
from clarion.errors import ArgumentError
from clarion.outbox import open_database, store, use_database
from clarion.outbox.tables import create_tables
from clarion.testing import drain
from clarion.worker import Worker
from tests.background.recorder import Recorder

made: list[tuple[int, str, int]] = []


def mail(sender, order_id, delivery_uid, attempt, **kwargs):
    """Record the call."""
    made.append((order_id, str(delivery_uid), attempt))


@pytest.fixture
def recorder():
    """Return an engine that records its calls."""
    made.clear()
    return Recorder()


@pytest.fixture
def database(tmp_path):
    """Yield a database with an outbox."""
    found = open_database(f"sqlite:///{tmp_path}/outbox.db")
    connection = found.connect()
    with connection.transaction():
        create_tables(connection)
    connection.close()
    before = use_database(found)
    yield found
    use_database(before)


@pytest.fixture
def order_paid():
    """Return a signal."""
    return Signal(name="tests.via.order_paid")


def waiting(database):
    """Return how many deliveries wait, how many of them have failed, and how many are dead."""
    connection = database.connect()
    try:
        found = store.waiting(connection)
    finally:
        connection.close()
    return tuple(
        sum(n) for n in zip(*[(w.deliveries, w.failing, w.dead) for w in found], strict=True)
    )


def hasten(database):
    """End the delay of the deliveries that wait for a retry."""
    connection = database.connect()
    connection.connection.execute("UPDATE clarion_delivery SET visible_at = 0")
    connection.close()


def test_a_worker_hands_the_delivery_over(database, order_paid, recorder):
    """The engine gets the same call as without `durable`, and the row is settled."""
    delivery = EngineDelivery(recorder)(queue="mail", retries=5, delay=3)
    order_paid.connect(mail, delivery=durable(via=delivery, name="shop.mail"))
    connection = database.connect()
    with atomic(connection.connection):
        ((_, stored),) = order_paid.send(None, order_id=7)
    connection.close()
    assert recorder.calls == []
    Worker(database).drain()
    (call,) = recorder.calls
    assert (call.receiver, call.uid, call.retries, call.delay) == ("shop.mail", stored.uid, 5, 3)
    assert call.options == {"queue": "mail"}
    assert made == []
    assert waiting(database) == ()
    deliver(call.body, 2)
    assert made == [(7, str(stored.uid), 2)]


def test_a_broker_that_is_down_is_tried_again(database, order_paid, recorder, caplog):
    """A delivery is never given up while the broker is down, and is sent afterwards."""
    order_paid.connect(mail, delivery=durable(via=EngineDelivery(recorder), name="mail"))
    order_paid.send(None, order_id=7)
    recorder.error = ConnectionError("no broker")
    with caplog.at_level(logging.CRITICAL):
        for _ in range(12):
            hasten(database)
            Worker(database).drain()
    assert recorder.refused == 12
    assert waiting(database) == (1, 1, 0)
    recorder.error = None
    hasten(database)
    Worker(database).drain()
    assert len(recorder.calls) == 1
    assert waiting(database) == ()


def test_a_damaged_delivery_is_given_up(database, order_paid, recorder, caplog):
    """A delivery that can never be handed over becomes a dead letter."""
    order_paid.connect(mail, delivery=durable(via=EngineDelivery(recorder), name="mail"))
    order_paid.send(None, order_id=7)
    connection = database.connect()
    connection.connection.execute("UPDATE clarion_event SET headers = '{'")
    connection.close()
    with caplog.at_level(logging.CRITICAL):
        for _ in range(10):
            hasten(database)
            Worker(database).drain()
    assert waiting(database) == (0, 0, 1)
    assert recorder.calls == []


def test_tests_need_no_engine(database, order_paid, recorder):
    """`drain` calls the receiver itself, without an engine."""
    order_paid.connect(mail, delivery=durable(via=EngineDelivery(recorder)))
    order_paid.send(None, order_id=7)
    drain(database)
    assert [order_id for order_id, _, _ in made] == [7]
    assert recorder.calls == []


def test_an_engine_that_loses_calls_is_refused(order_paid, recorder):
    """An engine that loses calls is refused with the setting that prevents it."""
    recorder.said = ["It loses calls. Set safe=True."]
    with pytest.raises(
        ArgumentError, match=r"nothing may be lost there: It loses calls\. Set safe"
    ):
        order_paid.connect(mail, delivery=durable(via=EngineDelivery(recorder)))


def test_a_key_needs_an_engine_that_keeps_order(database, order_paid, recorder):
    """A key is refused with an engine that keeps no order."""
    with pytest.raises(ArgumentError, match="does not keep the order"):
        order_paid.connect(mail, delivery=durable(key="order_id", via=EngineDelivery(recorder)))
    recorder.keeps_order = True
    order_paid.connect(mail, delivery=durable(key="order_id", via=EngineDelivery(recorder)))
    order_paid.send(None, order_id=7)
    Worker(database).drain()
    assert [call.key for call in recorder.calls] == ["7"]


@pytest.mark.parametrize("options", [{"retries": 3}, {"timeout": 5}, {"dead": "pass"}])
def test_options_of_the_engine_are_refused(recorder, options):
    """Options that the engine decides after the hand-over are refused in `durable`."""
    with pytest.raises(ArgumentError, match="give the option to the engine"):
        durable(via=EngineDelivery(recorder), **options)


@pytest.mark.parametrize("options", [{"name": "x"}, {"missing": "fail"}, {"outside": "skip"}])
def test_options_of_durable_are_refused_in_the_engine(order_paid, recorder, options):
    """Options that both have are refused in the engine's delivery."""
    with pytest.raises(ArgumentError, match="to durable itself"):
        order_paid.connect(mail, delivery=durable(via=EngineDelivery(recorder)(**options)))


def test_only_deliveries_to_engines_are_accepted():
    """Any object that is no delivery to an engine is refused."""
    with pytest.raises(ArgumentError, match="CeleryDelivery"):
        durable(via="celery")


def test_the_repr_names_the_engine(recorder):
    """The repr names the engine with its options."""
    shown = repr(durable(via=EngineDelivery(recorder)(retries=2)))
    assert shown == "durable(via=EngineDelivery('the recorder', retries=2))"
