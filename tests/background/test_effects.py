"""`effects="same database"`: a call that comes twice has its effect once."""

import asyncio
import logging
from contextlib import closing
from typing import Any

import pytest

from clarion import Signal, durable
from clarion.background import EngineDelivery, adeliver, deliver
from clarion.errors import ArgumentError
from clarion.outbox import open_database, store, use_database
from clarion.outbox.tables import create_tables
from clarion.worker import Worker

SAME = "same database"
failures: list[Exception] = []


def pay(sender, connection, order_id, **kwargs):
    """Write, and fail if the test wants it."""
    connection.execute("INSERT INTO payments VALUES (?)", [order_id])
    if failures:
        raise failures.pop()


async def apay(sender, connection, order_id, **kwargs):
    """Write, as `pay`."""
    await asyncio.sleep(0)
    pay(sender, connection, order_id)


@pytest.fixture
def database(tmp_path):
    """Yield a database with an outbox and a table for payments."""
    failures.clear()
    found: Any = open_database(f"sqlite:///{tmp_path}/shop.db")
    connection = found.connect()
    with connection.transaction():
        create_tables(connection)
        connection.connection.execute("CREATE TABLE payments (order_id)")
    connection.close()
    before = use_database(found)
    yield found
    use_database(before)
    found.close_idle()


@pytest.fixture
def order_paid():
    """Return a signal."""
    return Signal(name="tests.effects.order_paid")


def payments(database):
    """Return the payments."""
    connection = database.connect()
    found = connection.connection.execute("SELECT order_id FROM payments").fetchall()
    connection.close()
    return [order_id for (order_id,) in found]


def both(body):
    """Yield a call by the sync carrier, and one by the async carrier."""
    yield lambda: deliver(body)
    yield lambda: asyncio.run(adeliver(body))


@pytest.mark.parametrize("receiver", [pay, apay])
@pytest.mark.parametrize("is_durable", [False, True])
def test_a_duplicate_has_no_effect(database, order_paid, recorder, receiver, is_durable, caplog):
    """The row of the inbox is written with the receiver's own writes."""
    engine = EngineDelivery(recorder)
    delivery = durable(via=engine, effects=SAME) if is_durable else engine(effects=SAME)
    order_paid.connect(receiver, delivery=delivery)
    order_paid.send(None, order_id=7)
    Worker(database).drain()
    (call,) = recorder.calls
    with caplog.at_level(logging.INFO, "clarion.background"):
        for carry in (*both(call.body), *both(call.body)):
            carry()
    assert payments(database) == [7]
    assert sum("has had its effect already" in each.message for each in caplog.records) == 3


@pytest.mark.parametrize("receiver", [pay, apay])
def test_a_failure_leaves_nothing(database, order_paid, recorder, receiver):
    """If the receiver raises, its writes and the row of the inbox are rolled back."""
    order_paid.connect(receiver, delivery=EngineDelivery(recorder)(effects=SAME))
    order_paid.send(None, order_id=7)
    for carry in both(recorder.calls[0].body):
        failures.append(LookupError("mine"))
        with pytest.raises(LookupError):
            carry()
        assert payments(database) == []
    deliver(recorder.calls[0].body)
    assert payments(database) == [7]


def test_another_send_is_no_duplicate(database, order_paid, recorder):
    """A call is a duplicate only of the same send for the same receiver."""
    delivery = EngineDelivery(recorder)(effects=SAME)
    order_paid.connect(pay, delivery=delivery)
    order_paid.connect(apay, delivery=delivery)
    order_paid.send(None, order_id=7)
    order_paid.send(None, order_id=7)
    for call in recorder.calls:
        deliver(call.body)
    assert payments(database) == [7] * 4


def test_other_effects_are_refused(recorder):
    """Every value of `effects` but "same database" is refused."""
    with pytest.raises(ArgumentError, match="same database"):
        EngineDelivery(recorder)(effects="once")


def test_settings_that_are_changed_after_connect_keep_the_row(database, order_paid, recorder):
    """A worker hands nothing over to an engine whose settings lose calls since connect."""
    order_paid.connect(pay, delivery=durable(via=EngineDelivery(recorder), name="pay"))
    order_paid.send(None, order_id=7)
    recorder.said = ["It loses calls. Set safe=True."]
    Worker(database).drain()
    assert recorder.calls == []
    recorder.said = []
    with closing(database.connect()) as connection:
        assert [each.deliveries for each in store.waiting(connection)] == [1]
        with connection.transaction():
            connection.connection.execute("UPDATE clarion_delivery SET visible_at = 0")
    Worker(database).drain()
    assert len(recorder.calls) == 1
