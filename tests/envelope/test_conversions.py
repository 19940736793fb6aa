"""The classes that the program has registered."""

from clarion.envelope import conversions


class Money:
    """A value of the program."""


def test_a_class_is_registered_with_its_functions(monkeypatch):
    """A registered class is found by its exact type; registering it again replaces it."""
    monkeypatch.setattr(conversions, "conversions", {})
    conversions.register_type(Money, to_json=str, from_json=str)
    conversions.register_type(Money, to_json=repr, from_json=str)
    assert conversions.conversions == {Money: conversions.Conversion(Money, repr, str)}
