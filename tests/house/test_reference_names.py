"""Every public name has its entry in the reference."""

import ast
import importlib
import re
from contextlib import suppress
from itertools import chain

import pytest

from clarion.errors import MissingExtraError
from tests.house.tree import MODULES, ROOT, name_of

PAGES = sorted((ROOT / "docs/reference").glob("*.md"))
DIRECTIVE = re.compile(
    r"^ *\.\. (?P<kind>[\w:]+):: (?P<name>[\w.]+)(?P<rest>.*(?:\n +:.*)*)", re.MULTILINE
)
SETS_MODULE = {"automodule", "currentmodule", "py:module"}
ENTRY = re.compile(r"(?:auto|py:)(?:class|data|exception|function)")


def names_of(source):
    """Return the names in `__all__`, without importing the module."""
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                return ast.literal_eval(value)
    return []


def entries(text):
    """Yield the dotted name of each entry of a page, and of the modules shown with all members."""
    module = ""
    for found in DIRECTIVE.finditer(text):
        name = found["name"]
        if found["kind"] in SETS_MODULE:
            module = name
            if ":members:" in found["rest"]:
                yield f"{module}.*"
        elif ENTRY.fullmatch(found["kind"]):
            yield name if name.startswith("clarion.") else f"{module}.{name}"


PUBLIC = {
    name: names
    for path in MODULES
    if "._" not in (name := name_of(path)) and (names := names_of(path.read_text()))
}
ENTRIES = {*chain.from_iterable(entries(page.read_text()) for page in PAGES)}


def value_of(dotted):
    """Return the object with this name, or None if its package is not installed."""
    module, _, name = dotted.rpartition(".")
    with suppress(ImportError, MissingExtraError):
        return getattr(importlib.import_module(module), name, None)
    return None


def has_entry(module, name):
    """Return whether a name has an entry, under this module or as the same object of another."""
    if not ENTRIES.isdisjoint({f"{module}.{name}", f"{module}.*"}):
        return True
    value = value_of(f"{module}.{name}")
    others = {entry.replace("*", name) for entry in ENTRIES if entry.endswith((f".{name}", ".*"))}
    return value is not None and any(value_of(other) is value for other in others)


def test_entries_are_read():
    """Each form of entry is found, with its module."""
    page = """
    .. automodule:: clarion.one
       :members:

    .. automodule:: clarion.two

    .. autofunction:: send

    .. py:data:: clarion.three.now
    """
    assert [*entries(page)] == ["clarion.one.*", "clarion.two.send", "clarion.three.now"]


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_has_an_entry(module):
    """A reader finds each name of `__all__` in the reference."""
    assert [name for name in PUBLIC[module] if not has_entry(module, name)] == []
