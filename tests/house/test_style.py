"""Limits of size, and what each test and package documents."""

import ast
import re

from tests.house.tree import MODULES, ROOT, name_of, nodes_of, relative

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


def longer_than_a_module(paths):
    """Return those of the files that have more lines than a module may have."""
    return {
        relative(path) for path in paths if len(path.read_text().splitlines()) > LINES_OF_A_MODULE
    }


def functions_of(nodes):
    """Return the functions among nodes, async ones too."""
    return [node for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def test_modules_are_short():
    """A module is read in one sitting."""
    assert MODULES
    assert not longer_than_a_module(MODULES)


def test_functions_are_short():
    """A function fits on one screen."""
    functions = [
        (name_of(path), node)
        for path in MODULES
        for node in functions_of(nodes_of(path.read_text()))
    ]
    assert functions
    assert not [
        (name, node.name)
        for name, node in functions
        if node.end_lineno - node.lineno >= LINES_OF_A_FUNCTION
    ]


def test_test_files_are_short():
    """A file of tests is as short as a module, except those in the list."""
    assert longer_than_a_module(TESTS) == LONG_TESTS


def test_pages_are_short():
    """A page has one topic, and 1,200 words at most."""
    words = {relative(path): len(path.read_text().split()) for path in PAGES}
    assert words
    assert not {path: count for path, count in words.items() if count > WORDS_OF_A_PAGE}


def unnamed_in(path):
    """Return the modules of a package that its docstring does not name."""
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    inside = {
        each.relative_to(path.parent).parts[0].removesuffix(".py")
        for each in MODULES
        if path.parent in each.parents
    }
    return {name for name in inside - {"__init__"} if not re.search(rf"\b{name}\b", docstring)}


def test_packages_name_their_modules():
    """The docstring of a package names every module in it, so that it serves as a map."""
    assert PACKAGES
    assert not {name_of(path): names for path in PACKAGES if (names := unnamed_in(path))}


def test_no_work_is_left_as_a_remark():
    """Work that is not done is an issue, not a remark in the source."""
    remark = re.compile(r"\b(TODO|FIXME|XXX)\b")
    assert not [name_of(path) for path in MODULES if remark.search(path.read_text())]


def test_tests_say_what_holds():
    """Every test has a docstring that says what holds."""
    tests = [
        (f"{relative(path)}:{node.lineno}: {node.name}", node)
        for path in TESTS
        if path.name.startswith("test_")
        for node in functions_of(ast.walk(ast.parse(path.read_text())))
        if node.name.startswith("test_")
    ]
    assert tests
    assert not [name for name, node in tests if not ast.get_docstring(node)]
