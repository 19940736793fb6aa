"""The page of built-in signals lists each signal of the code, with its keywords."""

import importlib
import inspect
import re

import pytest

from clarion import Signal
from tests.house.tree import ROOT

PAGE = (ROOT / "docs/reference/built-in-signals.md").read_text()
SECTIONS = dict(re.findall(r"^## `([\w.]+)`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
# Each module with signals, and the package that it needs.
OURS = {
    "clarion.signals": "clarion",
    "clarion.integrations.sqlalchemy": "sqlalchemy",
    "clarion.integrations.django": "django",
}
DJANGOS = (
    "django.db.models.signals",
    "django.core.signals",
    "django.test.signals",
    "django.db.backends.signals",
    "django.contrib.auth.signals",
)
UNTYPED = {"Any", "Anything"}  # the program's own types


def rows(section):
    """Return the keywords of each signal in a section, by its name; a cell may escape a bar."""
    found = re.findall(r"^\| (`\w+`.*?) \|(?: .*? \|)? (.*?) \| .*\|$", section, re.MULTILINE)
    return {name.strip("`"): keywords.replace("\\|", "|") for name, keywords in found}


def signals_of(module):
    """Return the signals that a module exports, by their names."""
    exported = getattr(module, "__all__", vars(module))
    values = {name: getattr(module, name) for name in exported}
    return {name: value for name, value in values.items() if is_signal(value)}


def is_signal(value):
    """Return whether a value is a signal of Clarion or Django, and no class."""
    return not isinstance(value, type) and (
        isinstance(value, Signal) or type(value).__name__ in {"Signal", "ModelSignal"}
    )


def keywords_of(declared):
    """Return the cell with the keywords of a declared signal and their types."""
    parameters = [*inspect.signature(declared.send).parameters.values()][1:]  # without `sender`
    return ", ".join(
        f"`{each.name}`" if each.annotation in UNTYPED else f"`{each.name}: {each.annotation}`"
        for each in parameters
    )


def test_sections_are_read():
    """A row is found with the keywords in it, whose types may contain a bar."""
    assert rows("| `paid` | a | `id: int`, `by: str \\| None` | b |") == {
        "paid": "`id: int`, `by: str | None`"
    }


@pytest.mark.parametrize(("name", "package"), OURS.items(), ids=[*OURS])
def test_each_signal_is_listed_with_its_keywords(name, package):
    """A section lists the signals that its module exports, and their declared keywords."""
    pytest.importorskip(package)
    declared = signals_of(importlib.import_module(name))
    assert rows(SECTIONS[name]) == {each: keywords_of(declared[each]) for each in declared}


@pytest.mark.parametrize("name", DJANGOS)
def test_each_signal_of_django_is_listed(name):
    """The section of Django's own signals names each one that Django defines."""
    pytest.importorskip("django")
    module = importlib.import_module(name)
    listed = SECTIONS["django.dispatch"]
    missing = [each for each in signals_of(module) if f"`{each}`" not in listed]
    assert f"`{name}`" in listed
    assert missing == []
