"""Does every module have its test?"""

import ast
from pathlib import Path

import pytest

from tests.house.tree import MODULES, ROOT, SRC, name_of


def only_passes_on(path):
    """Tell whether a module has nothing of its own but names, be they loaded on first use."""
    return all(
        node.name == "__getattr__"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    )


def mirror_of(path):
    """Say where the test of a module has to be: _core/route.py has core/test_route.py."""
    *folders, name = path.relative_to(SRC / "clarion").with_suffix("").parts
    folders = [folder.lstrip("_") for folder in folders]
    return Path("tests", *folders, f"test_{name.strip('_')}.py")


TESTED = [path for path in MODULES if path.name != "__init__.py" or not only_passes_on(path)]


@pytest.mark.parametrize("path", TESTED, ids=name_of)
def test_module_has_its_test(path):
    """A module is tested by the file that mirrors it; an `__init__` only if it does something."""
    assert (ROOT / mirror_of(path)).is_file(), f"{mirror_of(path)} is missing"
