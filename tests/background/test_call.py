"""What an engine is given, and the text that its worker gets back."""

import copy
import json
import pickle

import pytest

from clarion import Signal
from clarion.background import Call
from clarion.background.call import FORMAT, read_body, write_body
from clarion.envelope import NewerVersionError, seal
from clarion.envelope.uid import new_uid
from clarion.errors import DecodingError

order_paid = Signal(name="tests.call.order_paid")


def body():
    """Return the body of a send."""
    return write_body("mail", 2, seal(order_paid, {"sender": None, "order_id": 42}))


def test_a_body_comes_back():
    """A body that is read back has the receiver, the retries and the envelope of its call."""
    envelope = seal(order_paid, {"sender": None, "order_id": 42})
    receiver, retries, found = read_body(write_body("mail", 2, envelope))
    assert (receiver, retries, found) == ("mail", 2, envelope)
    assert found.arguments(order_paid)["order_id"] == 42


@pytest.mark.parametrize("again", [copy.deepcopy, lambda call: pickle.loads(pickle.dumps(call))])  # noqa: S301
def test_a_call_can_be_copied(again):
    """An engine may pickle or copy a call, also one without options."""
    call = Call("mail", new_uid(), body())
    assert again(call) == call
    assert dict(again(call).options) == {}


def test_a_body_is_json():
    """Any program can read which receiver a body is for."""
    parts = json.loads(body())
    assert parts["clarion"] == FORMAT
    assert (parts["receiver"], parts["signal"]) == ("mail", "tests.call.order_paid")


@pytest.mark.parametrize("retries", [None, 0, 3])
def test_any_receiver_and_retries_come_back(retries):
    """The name of a receiver may contain quotes; a body without retries has null."""
    name = 'mail "now" \\ é'
    envelope = seal(order_paid, {"sender": None})
    written = write_body(name, retries, envelope)
    assert read_body(written) == (name, retries, envelope)
    assert json.loads(written)["retries"] == retries


@pytest.mark.parametrize(
    "damaged",
    ["", "[]", "7", "{}", '{"clarion":1,"receiver":5,"retries":1}', "{" * 100_000, b"\xff"],
)
def test_damaged_bodies_are_refused(damaged):
    """A damaged body is refused; the message names the cure and does not contain the body."""
    with pytest.raises(DecodingError, match="is damaged"):
        read_body(damaged)


def test_a_damaged_envelope_is_refused():
    """A body whose envelope has no uid is refused."""
    parts = json.loads(body())
    del parts["uid"]
    with pytest.raises(DecodingError, match="damaged"):
        read_body(json.dumps(parts))


def test_a_newer_format_is_refused():
    """A body of a newer format is refused, and the message names both versions."""
    parts = {**json.loads(body()), "clarion": FORMAT + 1}
    with pytest.raises(NewerVersionError, match="Upgrade Clarion in the worker"):
        read_body(json.dumps(parts))


def test_a_call_shows_no_content():
    """The repr of a call has neither the body nor the options."""
    envelope = seal(order_paid, {"sender": None, "token": "secret"})
    call = Call("mail", envelope.uid, write_body("mail", 0, envelope), options={"a": "secret"})
    assert "secret" not in repr(call)
