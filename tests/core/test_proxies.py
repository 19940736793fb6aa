"""A proxy is a separate sender, whatever class it claims to have."""

from contextlib import nullcontext
from unittest import mock

import pytest

from clarion.errors import SenderError, SenderWarning
from tests.core.receivers import Sender, echo


class Proxy:
    """A lazy proxy, as in Django, werkzeug and wrapt."""

    def __init__(self, value):
        self.value = value

    @property  # type: ignore[misc]
    def __class__(self):
        """Return the class of the object."""
        return type(self.value)

    def __eq__(self, other):
        return self.value == other

    def __hash__(self):
        return hash(self.value)

    def __getattr__(self, name):
        return getattr(self.value, name)


class Derived(Sender):
    """A subclass of a sender."""


PROXIED = ["text", b"bytes", 5, Sender, Derived]
LIKE = [*map(Proxy, PROXIED), mock.Mock(spec=str), mock.Mock(spec=type)]


def warns_of_a_value(proxy):
    """Return a block that expects the warning of a sender that is equal to its object."""
    if isinstance(proxy, mock.Mock):
        return nullcontext()
    return pytest.warns(SenderWarning, match="or to the object of a proxy")


@pytest.mark.parametrize("proxy", LIKE, ids=range(len(LIKE)))
def test_a_proxy_is_a_separate_sender(signal, send, proxy):
    """Only its own receivers and those of any sender get the sends of a proxy."""
    for wanted in ("text", b"bytes", 5):
        signal.connect(echo, sender=wanted)
    signal.connect(echo, sender=Sender, subclasses=True)
    assert send(signal, proxy) == []
    assert send(signal, None) == []
    assert send(signal, proxy) == []
    assert not signal.has_listeners(proxy)
    with warns_of_a_value(proxy):
        signal.connect(echo, sender=proxy)
    assert len(send(signal, proxy)) == 1
    assert signal.has_listeners(proxy)
    assert len(send(signal, "text")) == 1
    assert signal.disconnect(echo, sender=proxy)
    assert send(signal, proxy) == []


def test_a_proxy_of_a_class_has_no_subclasses(signal):
    """A proxy of a class is refused with subclasses=True because no send could match it."""
    with pytest.raises(SenderError, match="not a class"):
        signal.connect(echo, sender=Proxy(Sender), subclasses=True)
