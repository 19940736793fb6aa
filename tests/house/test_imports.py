"""What importing Clarion costs, and whom it brings along."""

import ast
import subprocess
import sys

import pytest

from tests.house.tree import MODULES, SRC, name_of

# None of these is needed to connect and send; each would be paid at every start.
TOO_DEAR = {"asyncio", "concurrent.futures", "dataclasses", "inspect", "logging", "typing"}

# Who may name a third party: the doors, and the plugin of pytest.
DOORS = ("clarion.integrations.", "clarion.testing.plugin")

# In the standard library of some, not all, of the interpreters that Clarion runs on.
STANDARD = sys.stdlib_module_names | {"annotationlib"}


@pytest.fixture(scope="module")
def loaded():
    """Name the modules that `import clarion` adds to a fresh interpreter."""
    code = (
        f"import sys; sys.path.insert(0, {str(SRC)!r}); before = {{*sys.modules}}; "
        "import clarion; print(*sorted({*sys.modules} - before))"
    )
    # Without site: its .pth files import whatever the environment likes.
    command = [sys.executable, "-I", "-S", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_only_the_core_is_loaded(loaded):
    """Of Clarion, `import clarion` loads the core and what is below it, no other room."""
    ours = {name.split(".")[1] for name in loaded if name.startswith("clarion.")}
    assert "_core" in ours
    assert ours <= {"_core", "errors", "typing"}


def test_no_third_party_is_loaded(loaded):
    """Everything else that is loaded belongs to the standard library."""
    others = {name.partition(".")[0] for name in loaded} - {"clarion"}
    assert others <= sys.stdlib_module_names


def test_nothing_dear_is_loaded(loaded):
    """The modules that take long to import are imported by those who need them."""
    assert TOO_DEAR.isdisjoint(loaded)


def imports(path):
    """Name the top-level packages that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: a relative import"
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_third_parties_are_met_behind_doors_only(path):
    """Outside the doors a module names the standard library and Clarion, even in a function."""
    if not name_of(path).startswith(DOORS):
        assert {*imports(path)} <= {"clarion", *STANDARD}
