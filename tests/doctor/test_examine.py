"""examine asks all rules."""

import sys
from types import ModuleType

import pytest

from clarion.doctor import Finding, examine
from clarion.doctor.examine import found_by
from clarion.doctor.program import Program
from clarion.errors import ArgumentError

FAULTS = """
from tests.doctor.weak import saved
saved.connect(lambda **kwargs: None)
saved.connect(lambda **kwargs: 1)
"""


def test_names_and_modules(plant):
    """A module is given itself, by its name, or alone."""
    package = plant(["receivers"], receivers=FAULTS)
    for given in ([package], package, [sys.modules[f"{package}.receivers"]]):
        found = [each for each in examine(given) if each.subject.startswith(package)]
        assert [each.line for each in found] == [3, 4]


@pytest.mark.parametrize("module", ["no_such_module", 3, None, ModuleType("unknown")])
def test_a_module_that_was_not_imported(module):
    """It is refused, and not imported."""
    with pytest.raises(ArgumentError, match="no such module was imported"):
        examine([module])


def test_findings_are_sorted_and_unique():
    """By file and line; those without a file come first."""
    findings = [
        Finding("W001", "b", "p", "c", "b.py", 1),
        Finding("W001", "a", "p", "c", "a.py", 2),
        Finding("W002", "a", "p", "c", "a.py", 1),
        Finding("W005", "a", "p", "c"),
    ]
    found = found_by([lambda _: findings, lambda _: findings], Program())
    assert found == [findings[3], findings[2], findings[1], findings[0]]
