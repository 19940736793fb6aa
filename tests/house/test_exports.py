"""The public names of Clarion."""

import importlib
import itertools
from contextlib import suppress

import clarion
from clarion.errors import MissingExtraError
from tests.house.tree import MODULES, name_of

PUBLIC = [name_of(path) for path in MODULES if "._" not in name_of(path)]

OTHERS = {"clarion.apps", "clarion.envelope.typed", "clarion.testing.plugin"}


def exports():
    """Yield each public module that has `__all__`, with that list."""
    for name in PUBLIC:
        if name.startswith(("clarion.cli", "clarion.integrations")) or name in OTHERS:
            continue  # they need packages that may not be installed
        module = importlib.import_module(name)
        if hasattr(module, "__all__"):
            yield module, module.__all__


def test_names_are_sorted():
    """`__all__` is sorted and has no duplicates."""
    for module, names in exports():
        assert [*names] == sorted({*names}), module.__name__


def test_names_can_be_imported():
    """Each name in `__all__` exists, even if it is loaded on first use."""
    for module, names in exports():
        for name in names:
            with suppress(MissingExtraError):  # its package is not installed here
                assert getattr(module, name) is not None


def test_everything_is_exported_once():
    """No two public names of `clarion` are the same object."""
    offered = [(name, getattr(clarion, name)) for name in clarion.__all__]
    for (one, first), (other, second) in itertools.combinations(offered, 2):
        assert first is not second, f"{one} and {other} are one"


def test_nothing_else_is_public():
    """`clarion` has no public name outside `__all__`, except the modules that it loads."""
    there = {name for name in vars(clarion) if name[0].isalpha()}
    modules = {name for name in there if f"clarion.{name}" in PUBLIC}
    assert there - modules - {"annotations", "TYPE_CHECKING"} <= {*clarion.__all__}
