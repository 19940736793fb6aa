"""Context variables travel with a send."""

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
    """And reset afterwards, even after an exception."""
    token = actor.set("ada")
    headers = current_headers()
    actor.reset(token)
    assert headers == {"actor": "ada"}
    with pytest.raises(ZeroDivisionError), restored_headers(headers):
        assert actor.get() == "ada"
        raise ZeroDivisionError
    assert actor.get(None) is None


def test_without_a_value_it_does_not_travel(actor):
    """The receiver sees its own default."""
    assert current_headers() == {}


def test_unknown_headers_are_ignored(actor):
    """The sender may be newer."""
    with restored_headers({"tenant": 5}):
        assert actor.get(None) is None


def test_a_value_that_is_not_json_is_refused(actor):
    """With the variable's name, without its value."""
    actor.set(("hunter2",))
    with pytest.raises(EncodingError, match=r"context variable 'actor' .* is a tuple") as info:
        current_headers()
    assert "hunter2" not in str(info.value)
    actor.set(None)


def test_two_variables_of_one_name_are_refused(actor):
    """A name= tells them apart."""
    other: ContextVar[object] = ContextVar("actor")
    with pytest.raises(ArgumentError, match="another name="):
        carry(other)
    assert carry(other, name="other_actor") is other
    drop_carried(other)
    assert carry(actor) is actor  # again


@pytest.mark.parametrize("name", ["traceparent", "baggage"])
def test_the_headers_of_the_trace_are_reserved(name):
    """OpenTelemetry writes them."""
    with pytest.raises(ArgumentError):
        carry(ContextVar(name))


def test_another_object_is_refused():
    """A value is no variable."""
    with pytest.raises(ArgumentError, match="Give it a ContextVar"):
        carry("ada")  # type: ignore[arg-type]
