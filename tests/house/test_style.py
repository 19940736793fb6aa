"""Limits of size, and what each test and package documents."""

import ast
import re

import pytest

from tests.house.tree import MODULES, ROOT, name_of, nodes_of

LINES_OF_A_MODULE = 350
LINES_OF_A_FUNCTION = 60
WORDS_OF_A_PAGE = 1200

TESTS = sorted((ROOT / "tests").rglob("*.py"))
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs" / "how-to").rglob("*.md")),
    *sorted((ROOT / "docs" / "explanation").rglob("*.md")),
    *sorted((ROOT / "docs" / "tutorial").rglob("*.md")),
    *sorted((ROOT / "docs" / "help").rglob("*.md")),
    *sorted((ROOT / "docs" / "recipes").rglob("*.md")),
]
PACKAGES = [
    path for path in MODULES if path.name == "__init__.py" and [*path.parent.glob("*.py")][2:]
]

# Files that are still too long. The list only shrinks: remove a file when it is short enough.
LONG_TESTS: set[str] = {
    "tests/core/test_machine.py",  # one state machine
}


def relative(path):
    """Return the path of a file in the checkout, which serves as a test's id too."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_is_short(path):
    """A module is read in one sitting."""
    assert len(path.read_text().splitlines()) <= LINES_OF_A_MODULE


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_functions_are_short(path):
    """A function fits on one screen."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in nodes_of(path.read_text()):
        if isinstance(node, functions) and node.end_lineno is not None:
            assert node.end_lineno - node.lineno < LINES_OF_A_FUNCTION, node.name


@pytest.mark.parametrize("path", TESTS, ids=relative)
def test_test_file_is_short(path):
    """A file of tests is as short as a module."""
    is_long = len(path.read_text().splitlines()) > LINES_OF_A_MODULE
    assert is_long == (relative(path) in LONG_TESTS)


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_page_is_short(path):
    """A page has one topic, and 1,200 words at most."""
    assert len(path.read_text().split()) <= WORDS_OF_A_PAGE


def test_the_long_files_are_there():
    """Each file in the list exists."""
    assert {relative(path) for path in TESTS} >= LONG_TESTS


@pytest.mark.parametrize("path", PACKAGES, ids=name_of)
def test_package_names_its_modules(path):
    """The docstring of a package names every module in it, so that it serves as a map."""
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    inside = {
        each.relative_to(path.parent).parts[0].removesuffix(".py")
        for each in MODULES
        if path.parent in each.parents
    }
    missing = {name for name in inside - {"__init__"} if not re.search(rf"\b{name}\b", docstring)}
    assert not missing


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_work_is_left_as_a_remark(path):
    """Work that is not done is an issue, not a remark in the source."""
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text())


@pytest.mark.parametrize(
    "path", [path for path in TESTS if path.name.startswith("test_")], ids=relative
)
def test_tests_say_what_holds(path):
    """Every test has a docstring that says what holds."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, functions) and node.name.startswith("test_"):
            assert ast.get_docstring(node), f"{path}:{node.lineno}: {node.name}"
