"""What a reader gets."""

import json
import os

import pytest

from clarion import on_commit
from clarion._core.instrument import Send
from clarion.introspect import registrations
from clarion.tail.events import (
    SLOW,
    call_event,
    delivery_word,
    dropped_event,
    facts_of_response,
    outcome_of,
    send_event,
    word_of,
)

SECRET = "s3cret"


class Order:
    """A sender that shows a secret."""

    def __repr__(self):
        return SECRET


def mail(sender, **kwargs): ...


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        (Order, f"{__name__}.Order"),
        (Order(), f"an object of {__name__}.Order"),
        (SECRET, "a str"),
        (None, None),
    ],
)
def test_a_send_has_names_only(signal, sender, name):
    """Of the keywords, the sender and the error; text that is no name is left out."""
    send = Send(signal, {"sender": sender, "signal": signal, "card": SECRET, f"{SECRET} x": 1})
    send.error = ValueError(SECRET)
    event = send_event(send, 0.25, [])
    assert (event["kind"], event["signal"], event["sender"]) == ("send", signal.name, name)
    assert (event["keywords"], event["error"], event["seconds"]) == (["card"], "ValueError", 0.25)
    assert event["pid"] == os.getpid()
    assert SECRET not in json.dumps(event)


def test_a_call_outside_a_send(signal):
    """After a commit, or by a worker."""
    event = call_event(signal, None, mail, "durable", outcome="failed", error=KeyError(SECRET))
    assert (event["receiver"], event["delivery"]) == (f"{__name__}.mail", "durable")
    assert (event["outcome"], event["error"], event["seconds"]) == ("failed", "KeyError", None)
    assert SECRET not in json.dumps(event)


def test_the_word_of_a_delivery(signal):
    """Without its options; an engine has a name."""
    signal.connect(mail, delivery=on_commit(coalesce="order_id"))
    assert delivery_word(registrations(signal)[0]) == "on_commit"
    assert delivery_word(None) == "now"

    class Delivery:
        class engine:  # noqa: N801
            name = "Celery"

    assert word_of(Delivery()) == "Celery"


def test_the_outcome_of_a_response():
    """A response of the program is never looked at."""

    class Response:
        status = uid = SECRET

    assert outcome_of(Response()) == "returned"
    assert outcome_of(None) == "returned"


def test_the_response_of_a_batch():
    """None is a receiver that was left out, unless the batch has raised."""
    assert facts_of_response(mail, None, None)["outcome"] == "suppressed"
    raised = facts_of_response(mail, None, OSError(SECRET))
    assert (raised["outcome"], raised["error"]) == ("failed", "OSError")
    assert facts_of_response(mail, KeyError(SECRET), None)["error"] == "KeyError"


def test_dropped_events_are_counted():
    """One event has the number of all, and the reason."""
    event = dropped_event(3, SLOW)
    assert (event["count"], event["reason"]) == (3, "slow")
