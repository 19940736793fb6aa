"""The stored form of senders."""

import json
import sys
from typing import Any

import pytest

from clarion import Signal
from clarion.envelope import senders
from clarion.envelope.registry import Registry
from clarion.envelope.senders import dump_sender, load_sender, register_sender
from clarion.errors import ArgumentError, DecodingError
from tests.envelope.kinds import Order


class Checkout:
    """A sender."""


class Connected:
    """A sender of a connected receiver."""


@pytest.fixture(autouse=True)
def no_registered_sender(monkeypatch):
    """Remove the senders that a test registers."""
    monkeypatch.setattr(senders, "registered", Registry())


def stored(sender):
    """Return a sender after it was stored as JSON."""
    return load_sender(json.loads(json.dumps(dump_sender(sender))), None)


@pytest.mark.parametrize("sender", [None, "web", 5, True])
def test_values_keep_their_type(sender):
    """A value is restored with its type."""
    assert repr(stored(sender)) == repr(sender)


def test_models_and_their_objects_are_stored(records):
    """Models and their objects are stored by the kind that owns them."""
    order = records.rows[1] = Order(1)
    assert stored(order) is order
    assert stored(Order) is Order


def test_a_registered_sender_is_stored():
    """A registered sender is stored by its name, given or from a decorator."""
    assert register_sender(Checkout) is Checkout
    assert stored(Checkout) is Checkout
    singleton = register_sender(object(), name="shop.terminal")
    assert stored(singleton) is singleton
    register_sender(sys.modules[__name__])
    assert stored(sys.modules[__name__]) is sys.modules[__name__]


def test_the_sender_of_a_receiver_is_stored():
    """The sender of a connected receiver is registered by the connection."""
    signal = Signal(name="shop.connected")
    signal.connect(lambda **kwargs: None, sender=Connected)
    assert stored(Connected) is Connected


def test_another_sender_is_refused():
    """Another sender is refused, with the cure."""
    with pytest.raises(ValueError, match=r"no other process can find.*register_sender"):
        dump_sender(Checkout)


@pytest.mark.parametrize(
    "data",
    [
        {"name": "os:system"},
        {"name": f"{__name__}:Checkout"},
        {"name": 5},
        {"class": {"kind": "records", "name": "Checkout"}},
        {"value": [1]},
        {},
        [],
        "web",
    ],
)
def test_nothing_is_found_by_a_name_that_is_not_registered(records, data):
    """A name that is not registered finds no class, not even one that is imported."""
    with pytest.raises(DecodingError):
        load_sender(data, None)


def test_a_name_belongs_to_one_sender():
    """A name of another sender is refused; the same sender may be registered again."""
    register_sender(Checkout, name="shop")
    register_sender(Checkout, name="shop")
    with pytest.raises(ArgumentError, match="Another sender"):
        register_sender(Order, name="shop")
    with pytest.raises(ArgumentError, match="Give register_sender"):
        register_sender(object())


def test_a_module_that_is_loaded_again_replaces_its_senders():
    """Its classes are new, and have the same names."""
    text = "class Checkout: ..."
    made: list[Any] = []
    for _ in range(2):
        module: dict[str, Any] = {"__name__": "shop.reloaded"}
        exec(text, module)  # noqa: S102  # as a module that is loaded again
        made.append(senders.register_sender(module["Checkout"]))
    with pytest.raises(ValueError, match="no other process can find"):
        senders.dump_sender(made[0])
    stored = senders.dump_sender(made[1])
    assert stored == {"name": "shop.reloaded:Checkout"}
    assert senders.load_sender(stored, None) is made[1]
