"""Every module has its test."""

import ast
from pathlib import Path

from tests.house.tree import MODULES, ROOT, SRC, nodes_of


def only_passes_on(path):
    """Return whether a module only re-exports names, possibly on first use."""
    return all(
        node.name == "__getattr__"
        for node in nodes_of(path.read_text())
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    )


def mirror_of(path):
    """Return the path of a module's test: _core/route.py has core/test_route.py."""
    *folders, name = path.relative_to(SRC / "clarion").with_suffix("").parts
    folders = [folder.lstrip("_") for folder in folders]
    return Path("tests", *folders, f"test_{name.strip('_')}.py")


# The hooks of PyInstaller are files for it, not modules; test_hooks.py runs all of them.
TESTED = [
    path
    for path in MODULES
    if not path.name.startswith("hook-")
    and (path.name != "__init__.py" or not only_passes_on(path))
]


def test_modules_have_their_tests():
    """Each module has a mirroring test file; an `__init__` only if it defines something."""
    mirrors = [mirror_of(path) for path in TESTED]
    assert mirrors
    assert not [str(path) for path in mirrors if not (ROOT / path).is_file()]
