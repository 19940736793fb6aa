"""durable: what `connect` refuses, and what a send stores."""

import asyncio
import json
import subprocess
import sys

import pytest

from clarion import Signal, durable, on_commit, signal
from clarion.commit import atomic, suppressed
from clarion.errors import ArgumentError, BoundaryError, EncodingError
from clarion.introspect import explain
from clarion.outbox import BoundDurable, Stored
from tests.outbox.places import default_place, rows


@pytest.fixture
def order_paid():
    """Return a signal with two durable receivers, one with a key."""
    signal = Signal(name="shop.order_paid")
    signal.connect(mail, delivery=durable(name="mail"))
    signal.connect(ship, delivery=durable(name="ship", key="order_id", delay=1.5))
    return signal


def mail(sender, **kwargs):
    """Send a mail."""


def ship(sender, order_id, delivery_uid, attempt, **kwargs):
    """Send a parcel."""


def test_a_send_in_a_transaction_is_stored_with_it(order_paid, outbox):
    """The rows exist if and only if the transaction commits."""
    sender = outbox.open().connection
    with atomic(sender):
        responses = order_paid.send("web", order_id=7)
        assert [type(response) for _, response in responses] == [Stored, Stored]
        assert [each.receiver for _, each in responses] == ["mail", "ship"]
        assert responses[0][1].uid == responses[1][1].uid
    with pytest.raises(LookupError), atomic(sender):
        order_paid.send("web", order_id=8)
        raise LookupError
    assert rows(outbox.opened[0]) == [("mail", None), ("ship", "7")]


def test_a_rolled_back_savepoint_stores_nothing(order_paid, outbox):
    """A rollback of a savepoint around the send removes its rows."""
    sender = outbox.open().connection
    with atomic(sender):
        order_paid.send("web", order_id=1)
        with pytest.raises(LookupError), atomic(sender):
            order_paid.send("web", order_id=2)
            raise LookupError
    assert [key for _, key in rows(outbox.opened[0])] == [None, "1"]


def test_a_send_in_no_transaction_has_one_of_its_own(order_paid, outbox):
    """A send outside a transaction is stored in the database that the program has set."""
    with default_place(outbox):
        order_paid.send("web", order_id=1)
        asyncio.run(order_paid.asend("web", order_id=2))
    assert [key for _, key in rows(outbox.opened[0])] == [None, "1", None, "2"]


def test_without_any_database_the_send_is_refused():
    """So no delivery is lost. `explain` says it in one sentence."""
    # In a process without Django, which would be the default.
    program = """
from clarion import Signal, durable
paid = Signal(name="shop.paid")
def mail(sender, **kwargs): pass
paid.connect(mail, delivery=durable(name="mail"))
try:
    paid.send("web")
except Exception as error:
    print(type(error).__name__, error)
from clarion.introspect import explain
print(explain(paid, "web"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("BoundaryError A signal with durable receivers")
    assert "use_database" in done.stdout
    explained = (
        "runs in a worker if the send is in a transaction; without one, it raises BoundaryError"
    )
    assert done.stdout.strip().endswith(explained)


def test_a_block_without_a_connection_is_refused(order_paid, outbox):
    """A block without a connection is refused: its rollback could not remove a row."""
    with default_place(outbox):
        with pytest.raises(BoundaryError, match=r"atomic\(connection\)"), atomic():
            order_paid.send("web", order_id=1)
        assert rows(outbox.opened[0]) == []


def test_the_payload_is_stored_once(order_paid, outbox):
    """One event has the values and the sender for all receivers."""
    with default_place(outbox):
        order_paid.send("web", order_id=7, note="ä")
    cursor = outbox.opened[0].connection.cursor()
    cursor.execute("SELECT e.payload, e.signal FROM clarion_event e")
    ((payload, name),) = cursor.fetchall()
    assert name == "shop.order_paid"
    stored = json.loads(bytes(payload))
    assert stored["values"] == {"order_id": 7, "note": "ä"}


def test_a_value_that_would_not_come_back_is_refused(order_paid, outbox):
    """A refused value stores nothing; the message names the keyword and the type."""
    with default_place(outbox):
        with pytest.raises(EncodingError, match=r"'note'.*tuple"):
            order_paid.send("web", order_id=7, note=("a",))
        assert rows(outbox.opened[0]) == []


def test_suppressed_sends_are_not_stored(order_paid, outbox):
    """Suppressed sends are counted, as those of `on_commit`."""
    with default_place(outbox), suppressed("import") as block:
        assert [response for _, response in order_paid.send("web", order_id=1)] == [None, None]
        asyncio.run(order_paid.asend("web", order_id=1))
    assert block.count == 4
    assert rows(outbox.opened[0]) == []


def test_a_receiver_without_a_keyword_is_refused_at_the_send(order_paid, outbox):
    """A receiver that lacks a keyword is refused: a worker could only bury the delivery."""
    with default_place(outbox):
        with pytest.raises(ArgumentError, match="order_id"):
            order_paid.send("web", order=1)
        assert rows(outbox.opened[0]) == []


def test_once_is_refused():
    """once=True is refused: the send would disconnect the receiver that the worker needs."""
    signal = Signal(name="shop.order_paid")
    with pytest.raises(ArgumentError, match="once=True"):
        signal.connect(mail, delivery=durable(name="mail"), once=True)


def test_async_receivers_are_stored_by_send(outbox):
    """`send` in an event loop stores async receivers, because the worker awaits them."""
    signal = Signal(name="shop.order_paid")

    async def bill(sender, **kwargs):
        pytest.fail("only a worker calls it")

    signal.connect(bill, delivery=durable(name="bill"))

    async def send():
        signal.send("web")

    with default_place(outbox):
        asyncio.run(send())
        signal.send("web")
    assert rows(outbox.opened[0]) == [("bill", None)] * 2


def test_other_receivers_run_beside(order_paid, outbox):
    """Each receiver has its own delivery; the responses are in the order of the receivers."""
    ran = []
    order_paid.connect(lambda sender, **kwargs: ran.append("now"), weak=False)
    order_paid.connect(lambda sender, **kwargs: ran.append("after"), weak=False, delivery=on_commit)
    sender = outbox.open().connection
    with atomic(sender):
        responses = order_paid.send("web", order_id=7)
        assert ran == ["now"]
    assert ran == ["now", "after"]
    assert [type(response).__name__ for _, response in responses] == [
        "Stored",
        "Stored",
        "NoneType",
        "Scheduled",
    ]


def test_explain_says_where_it_is_stored(order_paid, outbox):
    """`explain` says: in the open transaction, in one of its own, or never."""

    def shown():
        return str(explain(order_paid, "web", order_id=1))

    with default_place(outbox):
        assert "stored in the test's database, in a transaction of its own" in shown()
        with atomic():
            assert "without a connection" in shown()
    with atomic(outbox.open().connection):
        assert "stored in the transaction of an atomic() block" in shown()
    with suppressed("import"):
        assert "suppressed here: import" in shown()


def test_reprs_can_be_read(order_paid, outbox):
    """The repr of a delivery shows its options, that of a bound one its receiver."""
    assert repr(durable) == "durable"
    assert repr(durable(key="order_id", retries=3)) == "durable(key='order_id', retries=3)"
    assert repr(durable(key=["a", "b"])) == "durable(key=['a', 'b'])"
    bound = BoundDurable(durable, "mail", mail, order_paid, None)
    assert repr(bound) == "<BoundDurable mail by durable>"
    with default_place(outbox):
        ((_, stored), _) = order_paid.send("web", order_id=1)
    assert repr(stored).startswith("<Stored for mail in the test's database: ")


def test_a_declared_signal_checks_its_key_and_its_types():
    """connect refuses a key or a type that could not be stored."""
    pytest.importorskip("msgspec")

    @signal
    def declared(sender: object, *, order_id: int) -> None:
        """An order was paid."""

    with pytest.raises(ArgumentError, match="ordr_id"):
        declared.connect(mail, delivery=durable(name="mail", key="ordr_id"))
    declared.connect(ship, delivery=durable(name="ship", key="order_id"))
