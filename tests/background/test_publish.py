"""When the engine gets a call: after the commit, or at once."""

import asyncio
import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from clarion import Signal, durable
from clarion.background import EngineDelivery, HandOver
from clarion.background.call import read_body
from clarion.commit import atomic, set_outside, suppressed
from clarion.errors import ArgumentError, BoundaryError, EncodingError
from clarion.introspect import explain, registrations
from tests.background.recorder import Recorder, Within


def mail(sender, order_id, **kwargs):
    """Send a mail."""


def ship(sender, order_id, **kwargs):
    """Send a parcel."""


@pytest.fixture
def order_paid(recorder):
    """Return a signal with two receivers of the same engine."""
    signal = Signal(name="tests.publish.order_paid")
    delivery = EngineDelivery(recorder)
    signal.connect(mail, delivery=delivery(name="mail"))
    signal.connect(ship, delivery=delivery(name="ship"))
    return signal


def names(recorder):
    """Return the receivers of the calls that the engine has."""
    return [call.receiver for call in recorder.calls]


def test_the_engine_gets_calls_after_the_commit(order_paid, recorder, connection):
    """The engine gets calls in the order of the sends, after the commit and never before it."""
    with atomic(connection):
        responses = order_paid.send(None, order_id=1)
        assert names(recorder) == []
        assert [each.status for _, each in responses] == ["waiting", "waiting"]
    assert names(recorder) == ["mail", "ship"]
    assert [each.status for _, each in responses] == ["enqueued", "enqueued"]
    assert len({call.uid for call in recorder.calls}) == 1


def test_a_rollback_drops_calls(order_paid, recorder, connection):
    """After a rollback the engine gets nothing."""
    with pytest.raises(LookupError), atomic(connection):
        responses = order_paid.send(None, order_id=1)
        raise LookupError
    assert names(recorder) == []
    assert [each.status for _, each in responses] == ["dropped", "dropped"]


def test_a_savepoint_drops_its_calls(order_paid, recorder, connection):
    """A savepoint that is rolled back drops the calls of its sends."""
    with atomic(connection):
        with pytest.raises(LookupError), atomic(connection):
            order_paid.send(None, order_id=1)
            raise LookupError
        order_paid.send(None, order_id=2)
    assert ['"order_id":2' in call.body.replace("\\", "") for call in recorder.calls] == [True] * 2


def test_the_arguments_are_those_of_the_send(order_paid, recorder, connection):
    """A value that changes after the send is handed over as it was at the send."""
    items = [1]
    with atomic(connection):
        order_paid.send(None, order_id=items)
        items.append(2)
    assert '"order_id":[1]' in recorder.calls[0].body.replace("\\", "")


def test_what_cannot_be_encoded_is_refused_at_the_send(order_paid, recorder, connection):
    """A value that cannot be encoded makes the send raise, not the commit."""
    with atomic(connection), pytest.raises(EncodingError, match="order_id"):
        order_paid.send(None, order_id=object())
    assert names(recorder) == []


def test_a_missing_argument_is_refused_at_the_send(order_paid, recorder):
    """A receiver that could not be called is refused at the send."""
    with pytest.raises(ArgumentError, match="requires order_id"):
        order_paid.send(None)


def test_without_a_transaction_the_engine_gets_it_at_once(order_paid, recorder):
    """Where no transaction is open, the send hands the call over."""
    ((_, response), _) = order_paid.send(None, order_id=1)
    assert names(recorder) == ["mail", "ship"]
    assert response.is_at_once
    assert response.status == "enqueued"


def test_without_a_transaction_the_error_reaches_the_sender(order_paid, recorder):
    """Where no transaction is open, the send raises the engine's error, with a note."""
    recorder.error = ConnectionError("no broker")
    with pytest.raises(ConnectionError) as caught:
        order_paid.send(None, order_id=1)
    assert any("hand-over of receiver" in note for note in caught.value.__notes__)
    ((_, response), _) = order_paid.send_robust(None, order_id=1)
    assert response is recorder.error


def test_outside_can_be_chosen(order_paid, recorder):
    """Where no transaction is open, `outside` skips the receiver or refuses the send."""
    delivery = EngineDelivery(recorder)
    skipped, refused = Signal(name="tests.publish.skipped"), Signal(name="tests.publish.refused")
    skipped.connect(mail, delivery=delivery(outside="skip"))
    refused.connect(mail, delivery=delivery(outside="refuse"))
    ((_, response),) = skipped.send(None, order_id=1)
    assert response.status == "dropped"
    with pytest.raises(BoundaryError, match="outside='run'"):
        refused.send(None, order_id=1)
    assert "outside is 'skip'" in str(explain(skipped))
    before = set_outside("refuse")
    try:
        with pytest.raises(BoundaryError):
            order_paid.send(None, order_id=1)
    finally:
        set_outside(before)
    assert names(recorder) == []


def test_an_unknown_alias_is_refused(recorder):
    """A send that waits for an alias without a transaction is refused, and names the option."""
    signal = Signal(name="tests.publish.alias")
    signal.connect(mail, delivery=EngineDelivery(recorder)(using="nowhere"))
    with pytest.raises(BoundaryError, match=r"a delivery to an engine \(using='nowhere'\) names"):
        signal.send(None, order_id=1)
    assert "'nowhere'" in str(explain(signal))


def test_suppressed_sends_are_not_handed_over(order_paid, recorder):
    """In a `suppressed` block the engine gets nothing."""
    with suppressed("an import") as block:
        assert [response for _, response in order_paid.send(None, order_id=1)] == [None, None]
        assert "suppressed here: an import" in str(explain(order_paid, order_id=1))
    assert block.count == 2
    assert names(recorder) == []
    bound: Any = registrations(order_paid)[0].delivery
    assert bound.counts["suppressed"] == 1


def test_once_is_refused(recorder):
    """`once` is refused, because a worker finds a receiver only while it is connected."""
    signal = Signal(name="tests.publish.once")
    for delivery in (EngineDelivery(recorder), durable, durable(via=EngineDelivery(recorder))):
        with pytest.raises(ArgumentError, match="once=True") as caught:
            signal.connect(mail, delivery=delivery, once=True)
        assert list(caught.value.names) == ["once"]
    signal.send(None, order_id=1)
    assert recorder.calls == []


def test_asend_hands_over_after_the_commit(order_paid, recorder, connection):
    """`asend` hands over after the commit, and at once where no transaction is open."""

    async def main():
        with atomic(connection):
            ((_, response), _) = await order_paid.asend(None, order_id=1)
            assert names(recorder) == []
        assert response.status == "enqueued"
        return await order_paid.asend(None, order_id=2)

    ((_, response), _) = asyncio.run(main())
    assert type(response) is HandOver
    assert response.is_at_once
    assert names(recorder) == ["mail", "ship"] * 2


def test_asend_raises_what_the_engine_raises(order_paid, recorder):
    """Where no transaction is open, `asend` raises the engine's error."""
    recorder.error = ConnectionError("no broker")
    with pytest.raises(ConnectionError):
        asyncio.run(order_paid.asend(None, order_id=1))


def test_an_engine_can_write_in_the_transaction(connection):
    """An engine of the same database writes inside the transaction, and a rollback undoes it."""
    connection.execute("CREATE TABLE jobs (receiver)")
    connection.commit()
    signal = Signal(name="tests.publish.within")
    engine = Within(connection)
    delivery = EngineDelivery(engine)
    signal.connect(mail, delivery=delivery(name="mail"))
    with pytest.raises(LookupError), atomic(connection):
        ((_, undone),) = signal.send(None, order_id=1)
        raise LookupError
    with atomic(connection):
        with pytest.raises(LookupError), atomic(connection):
            ((_, also_undone),) = signal.send(None, order_id=1)
            raise LookupError
        ((_, response),) = signal.send(None, order_id=2)
        assert response.status == "waiting"
        assert response.when().startswith("in the transaction of")
    assert (undone.status, also_undone.status, response.status) == (
        "dropped",
        "dropped",
        "enqueued",
    )
    assert delivery.counts == {"dropped": 2, "enqueued": 1}
    assert connection.execute("SELECT receiver FROM jobs").fetchall() == [("mail",)]
    assert engine.calls == []


def test_an_engine_of_another_database_gets_it_after_the_commit(connection):
    """If the transaction is one of another database, the engine gets the call after the commit."""
    signal = Signal(name="tests.publish.other")
    engine = Within(None)
    signal.connect(mail, delivery=EngineDelivery(engine)(name="mail"))
    with atomic(connection):
        signal.send(None, order_id=1)
        assert engine.calls == []
    assert names(engine) == ["mail"]


def test_a_transaction_without_a_database_is_waited_for():
    """In a transaction of no database, a call waits for its end."""
    signal = Signal(name="tests.publish.without")
    engine = Within(None)
    signal.connect(mail, delivery=EngineDelivery(engine)(name="mail"))

    async def main():
        async with atomic():
            await signal.asend(None, order_id=2)
            assert names(engine) == ["mail"]

    with atomic():
        signal.send(None, order_id=1)
        assert engine.calls == []
    asyncio.run(main())
    assert names(engine) == ["mail", "mail"]


def test_calls_are_enqueued_in_the_order_of_the_commits(order_paid, recorder, connection):
    """The engine gets the calls of the transaction that commits first, in the order of its sends."""
    order_paid.disconnect(ship)
    with closing(sqlite3.connect(":memory:")) as other, atomic(connection):
        order_paid.send(None, order_id=1)
        with atomic(other):
            order_paid.send(None, order_id=2)
            order_paid.send(None, order_id=3)
    sent = [read_body(each.body).envelope.payload for each in recorder.calls]
    assert [json.loads(each)["values"]["order_id"] for each in sent] == [2, 3, 1]


def test_a_robust_send_hands_the_others_over(order_paid, recorder):
    """If one engine refuses a robust send, the others get theirs, with the same uid."""
    broken = EngineDelivery(Recorder(ConnectionError("no broker")))
    order_paid.disconnect(ship)
    order_paid.connect(ship, delivery=broken(name="ship"), priority=1)
    ((_, failed), (_, made)) = order_paid.send_robust(None, order_id=1)
    assert isinstance(failed, ConnectionError)
    assert made.status == "enqueued"
    ((_, failed), (_, made)) = asyncio.run(order_paid.asend_robust(None, order_id=2))
    assert isinstance(failed, ConnectionError)
    assert made.status == "enqueued"
    assert names(recorder) == ["mail", "mail"]
    assert broken.counts["failed"] == 2


def test_a_robust_send_waits_for_the_commit(order_paid, recorder, connection):
    """A robust send hands over after the commit, and nothing where sends are suppressed."""
    with atomic(connection):
        responses = order_paid.send_robust(None, order_id=1)
        assert [each.status for _, each in responses] == ["waiting", "waiting"]
    with suppressed("a test"):
        assert [each for _, each in order_paid.send_robust(None, order_id=1)] == [None, None]
        assert [e for _, e in asyncio.run(order_paid.asend_robust(None, order_id=1))] == [
            None,
            None,
        ]
    assert names(recorder) == ["mail", "ship"]
    assert len({call.uid for call in recorder.calls}) == 1


def test_a_robust_send_refuses_one_receiver(order_paid, recorder):
    """In a robust send, a receiver that lacks an argument fails alone."""

    def weigh(sender, weight, **kwargs):
        pass

    order_paid.connect(weigh, delivery=EngineDelivery(recorder)(name="weigh"))
    for send in (
        order_paid.send_robust,
        lambda *a, **k: asyncio.run(order_paid.asend_robust(*a, **k)),
    ):
        *made, (_, refused) = send(None, order_id=1)
        assert isinstance(refused, ArgumentError)
        assert [each.status for _, each in made] == ["enqueued", "enqueued"]


@pytest.mark.parametrize("options", [{"key": "weight"}, {"outside": "refuse"}, {}])
def test_the_note_names_the_receiver_that_refuses_the_send(order_paid, recorder, options):
    """The receivers of a send share a batch, and the note does not name the first of them."""

    def weigh(sender, order_id, **kwargs): ...

    def weigh_all(sender, weight, **kwargs): ...

    refused = weigh if options else weigh_all
    recorder.keeps_order = True
    order_paid.connect(refused, delivery=EngineDelivery(recorder)(name="weigh", **options))
    for send in (order_paid.send, lambda *a, **k: asyncio.run(order_paid.asend(*a, **k))):
        with pytest.raises((ArgumentError, BoundaryError)) as caught:
            send(None, order_id=1)
        [note] = caught.value.__notes__
        assert note.startswith("Raised by the delivery of receiver")
        assert f"{refused.__name__} (" in note
