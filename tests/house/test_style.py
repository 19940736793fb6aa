"""Limits: what is past them is two things."""

import ast
import re

import pytest

from tests.house.tree import MODULES, ROOT, name_of

LINES_OF_A_MODULE = 350
LINES_OF_A_FUNCTION = 60


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_is_short(path):
    """A module is read in one sitting."""
    assert len(path.read_text().splitlines()) <= LINES_OF_A_MODULE


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_functions_are_short(path):
    """A function is read at one glance, or nearly."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, functions) and node.end_lineno is not None:
            assert node.end_lineno - node.lineno < LINES_OF_A_FUNCTION, node.name


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_is_left_for_later(path):
    """What is not done is an issue, not a remark in the source."""
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text())


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_tests_say_what_holds(path):
    """Every test opens with a line that says what holds."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, functions) and node.name.startswith("test_"):
            assert ast.get_docstring(node), f"{path}:{node.lineno}: {node.name}"
