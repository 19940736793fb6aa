"""What Clarion offers."""

import importlib
import itertools

import clarion
from tests.house.tree import MODULES, name_of

PUBLIC = [name_of(path) for path in MODULES if "._" not in name_of(path)]


def exports():
    """Pair each public module that lists its names with that list."""
    for name in PUBLIC:
        if name.startswith("clarion.integrations") or name == "clarion.testing.plugin":
            continue  # they need what may not be installed
        module = importlib.import_module(name)
        if hasattr(module, "__all__"):
            yield module, module.__all__


def test_names_are_sorted():
    """`__all__` is sorted, hence a name that is there twice is seen."""
    for module, names in exports():
        assert [*names] == sorted({*names}), module.__name__


def test_names_can_be_imported():
    """What `__all__` promises is there, also what is loaded on first use."""
    for module, names in exports():
        for name in names:
            assert getattr(module, name) is not None


def test_everything_is_exported_once():
    """No two names that `import clarion` offers are the same object."""
    offered = [(name, getattr(clarion, name)) for name in clarion.__all__]
    for (one, first), (other, second) in itertools.combinations(offered, 2):
        assert first is not second, f"{one} and {other} are one"


def test_nothing_else_is_public():
    """`import clarion` offers no public name beyond `__all__`, except the modules it loads."""
    there = {name for name in vars(clarion) if name[0].isalpha()}
    modules = {name for name in there if f"clarion.{name}" in PUBLIC}
    assert there - modules - {"annotations", "TYPE_CHECKING"} <= {*clarion.__all__}
