"""The carrier: finds the receiver of a call by its name, and calls it."""

import asyncio
import json
import threading
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import pytest

from clarion import Signal
from clarion.background import EngineDelivery, adeliver, deliver, retry_after
from clarion.background.carrier import DEPLOY_RETRIES
from clarion.envelope import carry, drop_carried
from clarion.errors import BoundaryError, DecodingError, Reject, Retry, UnknownReceiverError

made: list[Any] = []
actor: ContextVar[str] = ContextVar("tests_carrier_actor", default="nobody")


def mail(sender, delivery_uid, attempt, **kwargs):
    """Note the call."""
    made.append((sender, kwargs["order_id"], delivery_uid, attempt, threading.get_ident()))


async def amail(sender, delivery_uid, attempt, **kwargs):
    """Note the call."""
    await asyncio.sleep(0)
    mail(sender, delivery_uid, attempt, **kwargs)


def needs_session(sender, session, **kwargs):
    """Note the call."""
    made.append(session)


def reads_actor(sender, **kwargs):
    """Note the context."""
    made.append(actor.get())
    actor.set("changed")


@pytest.fixture
def order_paid():
    """Return a signal."""
    made.clear()
    return Signal(name="tests.carrier.order_paid")


def body_of(signal, recorder, receiver, **options):
    """Return the body of one send to a receiver."""
    signal.connect(receiver, delivery=EngineDelivery(recorder)(name="mail", **options))
    signal.send("web", order_id=7)
    return recorder.calls[-1].body


@pytest.mark.parametrize("receiver", [mail, amail])
def test_receivers_are_called(order_paid, recorder, receiver):
    """A sync carrier and an async one call receivers of both kinds."""
    body = body_of(order_paid, recorder, receiver)
    deliver(body, 2)
    asyncio.run(adeliver(body))
    uid = recorder.calls[0].uid
    assert [each[:4] for each in made] == [("web", 7, uid, 2), ("web", 7, uid, 1)]
    assert type(made[0][2]) is UUID


def test_an_async_carrier_does_not_block(order_paid, recorder):
    """An async carrier calls a sync receiver in a thread."""
    asyncio.run(adeliver(body_of(order_paid, recorder, mail)))
    assert made[0][-1] != threading.get_ident()


def test_a_sync_carrier_in_an_event_loop_awaits_the_receiver(order_paid, recorder):
    """As an engine does whose test mode calls the receiver inside a sync send."""
    body = body_of(order_paid, recorder, amail)

    async def main():
        deliver(body)

    asyncio.run(main())
    assert len(made) == 1


def test_an_alias_is_found(order_paid, recorder):
    """A call with a former name reaches the receiver."""
    body = body_of(order_paid, recorder, mail)
    order_paid.disconnect(mail)
    order_paid.connect(mail, delivery=EngineDelivery(recorder)(name="new", aliases=["mail"]))
    deliver(body)
    assert len(made) == 1


def test_unknown_receivers_are_an_error_of_ours(order_paid, recorder):
    """For a name that no receiver has, the carrier raises Clarion's error and imports nothing."""
    body = body_of(order_paid, recorder, mail)
    order_paid.disconnect(mail)
    with pytest.raises(UnknownReceiverError, match="Import its module") as caught:
        deliver(body)
    assert (caught.value.receiver, caught.value.signal) == ("mail", "tests.carrier.order_paid")
    with pytest.raises(UnknownReceiverError):
        asyncio.run(adeliver(body))


def test_the_context_of_the_sender_is_restored(order_paid, recorder):
    """Carried variables have the sender's value, and what the receiver sets stays in its call."""
    carry(actor)
    try:
        token = actor.set("ada")
        body = body_of(order_paid, recorder, reads_actor)
        actor.reset(token)
        deliver(body)
        deliver(body)
        assert made == ["ada", "ada"]
        assert actor.get() == "nobody"
    finally:
        drop_carried(actor)


def test_other_context_stays(order_paid, recorder):
    """A receiver sees context that the engine's instrumentation has set, such as the span of the task."""
    body = body_of(order_paid, recorder, reads_actor)
    token = actor.set("the engine's")
    try:
        deliver(body)
    finally:
        actor.reset(token)
    assert made == ["the engine's"]


def test_a_session_needs_a_database(order_paid, recorder, monkeypatch):
    """Without a database, a receiver that asks for a session is refused with the cure."""
    monkeypatch.setattr("clarion.background.databases.providers", list)
    with pytest.raises(BoundaryError, match="use_database"):
        deliver(body_of(order_paid, recorder, needs_session))


def test_errors_propagate(order_paid, recorder):
    """The exception of a receiver reaches the engine."""

    order_paid.connect(raising, delivery=EngineDelivery(recorder)(name="raising"))
    order_paid.send(None)
    with pytest.raises(LookupError, match="mine"):
        deliver(recorder.calls[0].body)


def raising(sender, **kwargs):
    """Raise."""
    raise LookupError("mine")


def test_retries_are_counted(order_paid, recorder):
    """With `retries=2` the carrier makes a call three times."""
    body = body_of(order_paid, recorder, mail, retries=2)
    error = LookupError()
    assert [retry_after(body, error, n) is None for n in (1, 2, 3)] == [False, False, True]
    assert 0 <= (retry_after(body, error, 2) or 0) <= 2


def test_without_retries_a_failure_is_final(order_paid, recorder):
    """If the sender gave no `retries`, the carrier asks the engine for no retry."""
    assert retry_after(body_of(order_paid, recorder, mail), LookupError(), 1) is None


def test_a_receiver_chooses_the_wait(order_paid, recorder):
    """`Retry(after=)` sets the time until the next attempt, and `Reject` ends the call."""
    body = body_of(order_paid, recorder, mail, retries=1)
    assert retry_after(body, Retry(after=7), 1) == 7
    assert retry_after(body, Retry(after=7), 2) is None
    assert retry_after(body, Reject("no"), 1) is None


def test_a_deployment_has_time(order_paid, recorder):
    """A call whose receiver is not deployed yet is tried again, also without `retries`."""
    body = body_of(order_paid, recorder, mail)
    error = UnknownReceiverError("No.")
    waits = [retry_after(body, error, n + 1) or 0 for n in range(DEPLOY_RETRIES)]
    assert min(waits) > 0
    assert sum(waits) > 500
    assert retry_after(body, UnknownReceiverError("No."), DEPLOY_RETRIES + 1) is None


def test_damaged_calls_are_given_up(order_paid, recorder):
    """The carrier gives up a body that it cannot read, but retries one of a newer format."""
    assert retry_after("{}", DecodingError("No."), 1) is None
    newer = json.dumps({**json.loads(body_of(order_paid, recorder, mail)), "clarion": 99})
    with pytest.raises(DecodingError) as caught:
        deliver(newer)
    assert retry_after(newer, caught.value, 1) is not None
