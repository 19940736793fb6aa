"""The registry of rules."""

import sys

from clarion.doctor import Finding, Program, examine, register_rule, rules
from clarion.doctor.rules import default_packages, register_packages
from clarion.errors import MissingExtraError


def test_a_program_adds_a_rule(monkeypatch):
    """It is asked with the packages and the databases, and replaced by one of the same name."""
    monkeypatch.setattr(rules, "_package_sources", [lambda: [__name__, __name__]])
    asked = []

    @register_rule
    def note(program):
        asked.append(program)
        return []

    before = len(rules.rules())
    assert examine() is not None

    def again(program):
        yield Finding("X001", "here", "It is wrong.", "Correct it.")

    again.__qualname__ = note.__qualname__
    register_rule(again)
    assert len(rules.rules()) == before
    assert Finding("X001", "here", "It is wrong.", "Correct it.") in examine()
    assert asked == [Program((__name__,), ())]


def test_packages_are_registered_once(monkeypatch):
    """A module may be loaded again."""
    monkeypatch.setattr(rules, "_package_sources", [])

    def apps():
        return ["shop"]

    register_packages(apps)
    register_packages(apps)
    assert default_packages() == ["shop"]


def test_a_framework_that_the_integration_cannot_use(monkeypatch, plant):
    """It has no rules, and the others are asked."""
    package = plant(framework="", integration=RAISING)
    monkeypatch.setattr(rules, "FRAMEWORKS", {f"{package}.framework": f"{package}.integration"})
    before = rules.rules()
    assert f"{package}.framework" not in sys.modules
    __import__(f"{package}.framework")
    assert rules.rules() == before
    assert issubclass(MissingExtraError, ImportError)


RAISING = """
from clarion.errors import MissingExtraError
raise MissingExtraError.of("shop", "shop")
"""
