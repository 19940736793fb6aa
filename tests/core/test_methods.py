"""A method and its decorated forms are one receiver or several, as Python binds them."""

import gc
import sys
from functools import wraps
from typing import Any
from unittest import mock

import pytest

from clarion._core import names
from clarion._core.methods import member_of
from clarion._core.registration import receiver_key
from clarion.errors import ArgumentError


class Wrapper:
    """The object that a decorator like wrapt's returns: it forwards attributes to its method."""

    def __init__(self, method):
        self.__dict__["method"] = method

    def __call__(self, *args, **kwargs):
        return "decorated " + self.method(*args, **kwargs)

    def __getattr__(self, name):
        return getattr(self.method, name)


class decorated:  # noqa: N801
    """A decorator with its own `__get__`."""

    def __init__(self, function):
        self.function = function

    def __get__(self, instance, owner=None):
        return Wrapper(self.function.__get__(instance, owner))


class Service:
    """An object with methods."""

    def plain(self, sender, **kwargs):
        """Respond without a decorator."""
        return "called"

    @decorated
    def on_paid(self, sender, **kwargs):
        """Respond through a decorator."""
        return "called"

    @staticmethod
    @decorated
    def unbound(sender, **kwargs):
        """Respond through a decorator, without an object."""
        return "called"


class Stub:
    """A callable that has every attribute."""

    def __init__(self, make=lambda: lambda *args, **kwargs: None):
        self.make = make

    def __getattr__(self, name):
        return self.make()

    def __call__(self, **kwargs):
        return "stub"


class Broken:
    """A proxy without an object, whose attributes raise."""

    def __getattr__(self, name):
        raise RuntimeError("working outside of context")

    def __call__(self, **kwargs):
        return "broken"


def responses(signal):
    """Return the responses of one send."""
    gc.collect()
    return [response for _, response in signal.send(None)]


@pytest.mark.parametrize("weak", [None, True, False])
def test_the_decorator_of_a_bound_method_is_called(signal, weak):
    """A decorated bound method is called with its decorator."""
    service = Service()
    signal.connect(service.on_paid, weak=weak)
    assert responses(signal) == ["decorated called"]


def test_a_decorated_method_is_one_receiver(signal):
    """Each access creates another wrapper, and all of them are one receiver."""
    service = Service()
    signal.connect(service.on_paid)
    signal.connect(service.on_paid)
    assert responses(signal) == ["decorated called"]
    assert signal.disconnect(service.on_paid)
    assert responses(signal) == []


def test_a_decorated_method_does_not_keep_its_object(signal):
    """A decorated method is held weakly, as any bound method."""
    service = Service()
    signal.connect(service.on_paid)
    del service
    assert responses(signal) == []
    assert not signal.has_listeners()


def test_a_method_and_its_wrapper_are_two(signal):
    """A method and the wrapper around it can both be connected."""
    service = Service()
    signal.connect(service.on_paid)
    signal.connect(service.on_paid.method)
    assert responses(signal) == ["decorated called", "called"]


def test_an_autospecced_method_is_called(signal):
    """A mock is called, although it has the `__func__` of the method that it replaces."""
    service = mock.create_autospec(Service())
    signal.connect(service.plain)
    signal.send(None, n=1)
    service.plain.assert_called_once_with(sender=None, signal=signal, n=1)
    assert signal.disconnect(service.plain)


@pytest.mark.parametrize("weak", [None, True, False])
@pytest.mark.parametrize(
    "answer",
    [lambda: lambda *args, **kwargs: None, Stub, mock.Mock, lambda: 1, lambda: "name"],
    ids=["functions", "stubs", "mocks", "numbers", "text"],
)
def test_a_callable_with_any_attribute_is_called(signal, answer, weak):
    """A callable with a general `__getattr__` is not taken for a method."""
    stub = Stub(answer)
    signal.connect(stub, weak=weak)
    signal.connect(stub, weak=weak)
    assert responses(signal) == ["stub"]
    assert signal.disconnect(stub)


def test_a_callable_whose_attributes_raise_is_no_method():
    """A callable whose attributes raise is not taken for a method."""
    broken = Broken()
    assert member_of(broken) is None
    assert receiver_key(broken) == id(broken)


def test_a_stub_of_stubs_is_named():
    """A stub whose `__wrapped__` chain has no end still has a name."""
    kept = []

    def make():
        kept.append(Stub(make))
        return kept[-1]

    assert names.code_of(Stub(make)) is not None
    assert len(kept) < sys.getrecursionlimit()


def test_members():
    """Classes, functions, static methods and builtins are not bound methods."""
    service = Service()
    plain: Any = member_of(service.plain)
    assert (plain.holder, plain.function, plain.name) == (service, Service.plain, None)
    on_paid: Any = member_of(service.on_paid)
    assert (on_paid.holder, on_paid.name) == (service, "on_paid")
    assert member_of(wraps(service.plain)(lambda: None)) is None
    assert member_of(service.unbound) is None
    assert member_of(Service) is None
    assert member_of(print) is None


def test_an_object_with_any_attribute_is_no_delivery(signal):
    """An object with a general `__getattr__` is not taken for a delivery."""
    with pytest.raises(ArgumentError, match="not a delivery"):
        signal.connect(print, delivery=Stub())


def test_a_method_that_wrapt_decorates(signal):
    """It is called through its decorator, and another access of it disconnects it."""
    wrapt = pytest.importorskip("wrapt")

    @wrapt.decorator
    def twice(method, instance, args, kwargs):
        return 2 * method(*args, **kwargs)

    class Wrapped:
        @twice
        def on_paid(self, sender, **kwargs):
            return "called "

    service = Wrapped()
    signal.connect(service.on_paid)
    assert [response for _, response in signal.send(None)] == ["called called "]
    assert signal.disconnect(service.on_paid)
