"""Context variables are sent with a send."""

from contextvars import ContextVar

import pytest

from clarion.envelope.context import carry, current_headers, drop_carried, restored_headers
from clarion.errors import ArgumentError, EncodingError


@pytest.fixture
def actor():
    """Return a carried variable without a default."""
    variable: ContextVar[object] = ContextVar("actor")
    yield carry(variable)
    drop_carried(variable)


def test_its_value_is_restored(actor):
    """The value is set for the receiver, and reset afterwards, even after an exception."""
    token = actor.set("ada")
    headers = current_headers()
    actor.reset(token)
    assert headers == {"actor": "ada"}
    with pytest.raises(ZeroDivisionError), restored_headers(headers):
        assert actor.get() == "ada"
        raise ZeroDivisionError
    assert actor.get(None) is None


def test_without_a_value_it_is_not_sent(actor):
    """Without a value the variable is not sent, and the receiver reads its own default."""
    assert current_headers() == {}


def test_unknown_headers_are_ignored(actor):
    """Unknown headers are ignored because the sender may be newer."""
    with restored_headers({"tenant": 5}):
        assert actor.get(None) is None


def test_a_value_that_is_not_json_is_refused(actor):
    """The error has the name of the variable, and not its value."""
    actor.set(("hunter2",))
    with pytest.raises(EncodingError, match=r"context variable 'actor' .* is a tuple") as info:
        current_headers()
    assert "hunter2" not in str(info.value)
    actor.set(None)


def test_two_variables_of_one_name_are_refused(actor):
    """Two variables of one name are refused, because name= can distinguish them."""
    other: ContextVar[object] = ContextVar("actor")
    with pytest.raises(ArgumentError, match="another name="):
        carry(other)
    assert carry(other, name="other_actor") is other
    drop_carried(other)
    assert carry(actor) is actor  # again


@pytest.mark.parametrize("name", ["traceparent", "baggage"])
def test_the_headers_of_the_trace_are_reserved(name):
    """The headers of OpenTelemetry are refused as names."""
    with pytest.raises(ArgumentError):
        carry(ContextVar(name))


def test_another_object_is_refused():
    """An object that is not a context variable is refused."""
    with pytest.raises(ArgumentError, match="Give it a ContextVar"):
        carry("ada")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [5, "", "\ud800", b"actor"])
def test_a_name_that_a_header_cannot_have_is_refused(name):
    """JSON would make it another name, by which no worker finds the variable."""
    with pytest.raises(ArgumentError, match=r"was given name=.* that is not empty"):
        carry(ContextVar("named"), name=name)
    with pytest.raises(ArgumentError, match=r"was given name=.* that is not empty"):
        carry(ContextVar(""))
