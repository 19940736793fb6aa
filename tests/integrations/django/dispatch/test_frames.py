"""Sends of Django's signals have a frame of Python and are functions, compiled or not."""

import asyncio
import inspect
import sys
import traceback
import warnings
from unittest import mock

import pytest
from django.dispatch import Signal
from django.test.utils import override_settings

from clarion.testing import capture

SENDS = ["send", "send_robust", "asend", "asend_robust", "has_listeners"]


def warn(sender, **kwargs):
    """Warn of the code that sends: this frame is 1, the send is 2, its caller is 3."""
    warnings.warn("deprecated", stacklevel=3)


@pytest.mark.parametrize("name", ["send", "send_robust"])
def test_stacklevel_points_at_the_caller(name):
    """A warning in a receiver names the line that sends, as in Django."""
    signal = Signal()
    signal.connect(warn)
    with pytest.warns(UserWarning, match="deprecated") as caught:
        getattr(signal, name)(None); line = sys._getframe().f_lineno  # noqa: E702  # fmt: skip
    assert (caught[0].filename, caught[0].lineno) == (__file__, line)


def test_djangos_own_warning():
    """Overriding DATABASES names the line of the override."""
    match = "Overriding setting DATABASES"
    with pytest.warns(UserWarning, match=match) as caught, override_settings(DATABASES={}):
        pass
    assert caught[0].filename == __file__


def test_a_traceback_has_the_send():
    """A receiver's traceback has a line for the send, between its caller and the receiver."""
    signal = Signal()

    def fails(sender, **kwargs):
        raise ValueError("no")

    signal.connect(fails)
    with pytest.raises(ValueError, match="no") as caught:
        signal.send(None)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names == ["test_a_traceback_has_the_send", "send", "fails"]


@pytest.mark.parametrize("name", SENDS)
def test_the_methods_are_functions(name):
    """`inspect` finds Django's functions and parameters on the class."""
    method = getattr(Signal, name)
    assert inspect.isfunction(method)
    assert inspect.iscoroutinefunction(method) is name.startswith("asend")
    assert list(inspect.signature(method).parameters)[:2] == ["self", "sender"]


def test_an_autospecced_send():
    """A mock records the signal as first argument, as it does without Clarion."""
    signal = Signal()
    with mock.patch.object(Signal, "send", autospec=True) as send:
        signal.send(sender=1, order_id=2)
    send.assert_called_once_with(signal, sender=1, order_id=2)


@pytest.mark.parametrize("name", ["send", "send_robust"])
def test_a_send_without_receivers(name):
    """A send without receivers returns early, but calls instruments and refuses a wrong keyword."""
    signal = Signal()
    send = getattr(signal, name)
    assert send(None, a=1) == []
    with capture(signal) as sent:
        send(None, a=1)
    assert len(sent) == 1
    with pytest.raises(TypeError):
        send(None, signal=1)
    assert asyncio.run(getattr(signal, f"a{name}")(None)) == []
