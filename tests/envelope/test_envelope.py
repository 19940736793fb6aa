"""The envelope: one send in a form that can be stored."""

import json
from contextvars import ContextVar
from datetime import UTC, datetime

import pytest

from clarion import Signal
from clarion.envelope import Envelope, carry, drop_carried, seal
from clarion.errors import DecodingError, EncodingError

order_paid = Signal(name="shop.order_paid")


def test_a_send_is_written_down():
    """The envelope has the name, version, time and headers of the send."""
    tenant: ContextVar[str] = ContextVar("tenant", default="t1")
    carry(tenant)
    before = datetime.now(UTC)
    envelope = seal(order_paid, {"sender": "web", "number": 5, "signal": order_paid})
    drop_carried(tenant)
    assert (envelope.signal, envelope.version) == ("shop.order_paid", 1)
    assert before <= envelope.created_at <= datetime.now(UTC)
    assert envelope.headers == {"tenant": "t1"}
    assert envelope.arguments(order_paid)["number"] == 5


def test_it_is_converted_to_text():
    """An envelope is converted to text and back."""
    envelope = seal(order_paid, {"sender": "web", "name": "Zoë", "signal": order_paid})
    assert Envelope.from_json(envelope.to_json()) == envelope


def test_its_text_is_json_whatever_it_holds():
    """Quotes, backslashes and control characters of names, values and headers come back."""
    hostile = 'a "b" \\ \n \x00 \u2028 é'
    tenant: ContextVar[str] = ContextVar("tenant")
    carry(tenant, name=hostile)
    tenant.set(hostile)
    signal = Signal(name=hostile)
    envelope = seal(signal, {"sender": hostile, "name": hostile, "signal": signal})
    drop_carried(tenant)
    parts = json.loads(envelope.to_json())
    assert list(parts) == ["uid", "signal", "version", "created_at", "payload", "headers"]
    assert (parts["signal"], parts["headers"]) == (hostile, {hostile: hostile})
    found = Envelope.from_json(envelope.to_json())
    assert found == envelope
    assert found.arguments(signal)["name"] == found.arguments(signal)["sender"] == hostile


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"uid": 5}', pytest.param("[" * 100_000, id="deep")]
)
def test_damaged_text_is_refused(text):
    """Damaged text is refused in one sentence."""
    with pytest.raises(DecodingError, match="An envelope is damaged"):
        Envelope.from_json(text)


@pytest.mark.parametrize(
    ("name", "value"), [("version", float("inf")), ("created_at", "0001-01-01"), ("uid", 10**40)]
)
def test_a_number_without_limit_is_refused(name, value):
    """A value that is too large or too small is refused as any damage is."""
    parts = json.loads(seal(Signal(name="a"), {"sender": None}).to_json())
    with pytest.raises(DecodingError, match="An envelope is damaged"):
        Envelope.from_parts({**parts, name: value})


def test_a_signal_without_a_name_is_refused():
    """A nameless signal is refused, because another process could not find it."""
    with pytest.raises(EncodingError, match=r"nameless Signal .* give it a name"):
        seal(Signal(), {"sender": None})


def test_its_repr_shows_no_payload():
    """The repr shows no payload, because it may contain secrets."""
    envelope = seal(order_paid, {"sender": None, "password": "hunter2", "signal": order_paid})
    assert "hunter2" not in repr(envelope)
