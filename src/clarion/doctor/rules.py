"""The rules: functions that look for one kind of finding.

A rule of a framework is in the integration's own module `doctor`. Once the framework
is loaded, this module is imported by its name, because it lies in a higher layer. So a program that is
not examined never loads it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from clarion.envelope.registry import Registry
from clarion.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from clarion.doctor.finding import Finding
    from clarion.doctor.program import Program

Rule: TypeAlias = "Callable[[Program], Iterable[Finding]]"

FRAMEWORKS = {
    "sqlalchemy.orm": "clarion.integrations.sqlalchemy.doctor",
    "django.db.models": "clarion.integrations.django.doctor",
}
"""The module of a framework, and the module of the integration that registers its rules."""

_package_sources: list[Callable[[], Iterable[str]]] = []


def register_packages(source: Callable[[], Iterable[str]]) -> None:
    """Add the packages that are examined if a program names none, such as those of a framework.

    Args:
        source: returns the names of packages that were imported.
    """
    if source not in _package_sources:
        _package_sources.append(source)


def default_packages() -> list[str]:
    """Return the packages that the frameworks know, without duplicates."""
    import_rules()
    return list(dict.fromkeys(each for source in _package_sources for each in source()))


# The key is the name of the rule, so that a module that is loaded again replaces its rules.
_rules: Registry[str, Rule] = Registry()


def register_rule(rule: Rule) -> Rule:
    """Add a rule to every later `examine`; return it, so that this is a decorator.

    Args:
        rule: a function that yields the findings in a `Program`.
    """
    _rules[f"{rule.__module__}.{rule.__qualname__}"] = rule
    return rule


def rules() -> list[Rule]:
    """Return the rules, after importing those of the frameworks that the program has loaded."""
    import_rules()
    return list(_rules.values())


def import_rules() -> None:
    """Import the rules of the frameworks that the program has loaded."""
    for framework, module in FRAMEWORKS.items():
        if framework in sys.modules and module not in sys.modules:
            try:
                import_module(module)
            except MissingExtraError:
                continue  # the framework is too old for the integration
