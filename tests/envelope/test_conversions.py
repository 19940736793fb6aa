"""The classes that the program has registered."""

from clarion.envelope import conversions


class Money:
    """A value of the program."""


class Price(Money):
    """A value of a subclass."""


def test_a_class_is_registered_with_its_functions(monkeypatch):
    """A registered class is found by its type; registering it again replaces it."""
    monkeypatch.setattr(conversions, "conversions", {})
    conversions.register_type(Money, to_json=str, from_json=str)
    conversions.register_type(Money, to_json=repr, from_json=str)
    assert conversions.conversions == {Money: conversions.Conversion(Money, repr, str)}


def test_a_subclass_has_the_conversion_of_the_nearest_base(monkeypatch):
    """The own conversion of a subclass comes first."""
    monkeypatch.setattr(conversions, "conversions", {})
    assert conversions.conversion_of(Price) is None
    conversions.register_type(Money, to_json=str, from_json=str)
    assert conversions.conversion_of(Price) == conversions.conversions[Money]
    conversions.register_type(Price, to_json=repr, from_json=str)
    assert conversions.conversion_of(Price) == conversions.conversions[Price]
