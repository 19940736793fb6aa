"""A pending call that is handed to an engine after the commit."""

import asyncio
import logging
from typing import Any

import pytest

from clarion import Signal, on_commit
from clarion.background import EngineDelivery
from clarion.commit import atomic
from clarion.introspect import registrations
from tests.background.recorder import Within


def mail(sender, **kwargs):
    """Send a mail."""


ran: list[Any] = []


def note(sender, **kwargs):
    """Note that it ran."""
    ran.append(kwargs)


@pytest.fixture
def order_paid(recorder):
    """Return a signal with one receiver of the engine."""
    signal = Signal(name="tests.handover.order_paid")
    signal.connect(mail, delivery=EngineDelivery(recorder)(name="mail"))
    return signal


def test_a_failure_does_not_reach_the_commit(order_paid, recorder, connection, caplog):
    """A failed hand-over is logged with receiver and engine, and counted; the other calls run."""
    ran.clear()
    order_paid.connect(note, delivery=on_commit)
    recorder.error = ConnectionError("no broker")
    with caplog.at_level(logging.ERROR, "clarion.background"), atomic(connection):
        responses = order_paid.send(None, order_id=42)
    (record,) = caplog.records
    assert "Receiver mail of signal tests.handover.order_paid was not handed" in record.message
    assert "42" not in record.message
    assert record.exc_info[1] is recorder.error
    response = dict(responses)[mail]
    assert (response.status, response.response) == ("failed", recorder.error)
    bound: Any = registrations(order_paid)[0].delivery
    assert (bound.counts["failed"], bound.delivery.counts["failed"]) == (1, 1)
    assert len(ran) == 1


def test_a_failure_after_an_awaited_commit_is_logged(order_paid, recorder, connection, caplog):
    """A failed hand-over after an awaited commit is logged, too."""

    async def main():
        with atomic(connection):
            return await order_paid.asend(None)

    recorder.error = ConnectionError("no broker")
    with caplog.at_level(logging.ERROR, "clarion.background"):
        ((_, response),) = asyncio.run(main())
    assert response.status == "failed"
    assert len(caplog.records) == 1


def test_calls_are_counted(order_paid, recorder, connection):
    """The delivery of each receiver and the engine count their calls by outcome."""
    with atomic(connection):
        order_paid.send(None)
    with pytest.raises(LookupError), atomic(connection):
        order_paid.send(None)
        raise LookupError
    bound: Any = registrations(order_paid)[0].delivery
    assert {k: v for k, v in bound.counts.items() if v} == {
        "scheduled": 2,
        "enqueued": 1,
        "dropped": 1,
    }
    assert bound.delivery.counts == {"enqueued": 1, "dropped": 1}


def test_the_response_is_readable(order_paid, recorder, connection):
    """The repr of a response names the receiver, the engine, the transaction and the status."""
    with atomic(connection):
        ((_, response),) = order_paid.send(None)
        shown = repr(response)
    assert shown.startswith("<HandOver of mail to the recorder after the commit of ")
    assert shown.endswith(": waiting>")
    assert repr(response).endswith(": enqueued>")


def test_an_interrupt_is_raised(order_paid, recorder, connection):
    """A BaseException of an engine leaves the commit, as with `on_commit`."""
    recorder.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt), atomic(connection):
        ((_, response),) = order_paid.send(None)
    assert response.status == "failed"


def test_an_interrupt_after_the_commit_takes_no_written_call(connection, caplog):
    """A call that was written in the transaction is enqueued, and not logged as one that does not run."""
    signal = Signal(name="tests.handover.within")

    def interrupt(sender, **kwargs):
        raise KeyboardInterrupt

    connection.execute("CREATE TABLE jobs (receiver)")
    connection.commit()
    signal.connect(interrupt, delivery=on_commit)
    signal.connect(mail, delivery=EngineDelivery(Within(connection))(name="mail"))
    with pytest.raises(KeyboardInterrupt), atomic(connection):
        (_, (_, response)) = signal.send(None)
    assert connection.execute("SELECT receiver FROM jobs").fetchall() == [("mail",)]
    assert (response.is_within, response.status) == (True, "enqueued")
    assert "does not run" not in caplog.text


def test_a_written_call_runs_if_its_commit_was_made(caplog):
    """If that is unknown, the call is abandoned, and nothing says that it does not run."""
    signal = Signal(name="tests.handover.unknown")

    class Lost:
        closed = False

        def execute(self, *_):
            return self

        def commit(self):
            self.closed = True
            raise ConnectionResetError

        def rollback(self):
            pass

    connection = Lost()
    signal.connect(mail, delivery=EngineDelivery(Within(connection))(name="mail"))
    with pytest.raises(ConnectionResetError), atomic(connection):
        ((_, response),) = signal.send(None)
    assert (response.is_within, response.status) == (True, "abandoned")
    assert "does not run" not in caplog.text
