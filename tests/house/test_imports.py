"""The modules that `import clarion` loads."""

import ast
import subprocess
import sys

import pytest

from tests.house.tree import MODULES, SRC, name_of, nodes_of

# These are not needed to connect and send, and would slow every start.
SLOW = {"asyncio", "concurrent.futures", "dataclasses", "inspect", "logging", "typing"}

# Only these may import a third party: the integrations, the command line, the pytest plugin.
INTEGRATIONS = (
    "clarion.cli.",
    "clarion.integrations.",
    "clarion.testing.plugin",
    "clarion.envelope.typed",  # msgspec, for declared signals
    "clarion.envelope.trace",  # OpenTelemetry, if the program has imported it
)

# annotationlib is in the standard library of only some supported interpreters.
STANDARD = sys.stdlib_module_names | {"annotationlib"}


@pytest.fixture(scope="module")
def loaded():
    """Return the modules that `import clarion` adds to a new interpreter."""
    code = (
        f"import sys; sys.path.insert(0, {str(SRC)!r}); before = {{*sys.modules}}; "
        "import clarion; print(*sorted({*sys.modules} - before))"
    )
    # Without site, because its .pth files import other modules.
    command = [sys.executable, "-I", "-S", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_only_the_core_is_loaded(loaded):
    """`import clarion` loads the core and the layers below it only."""
    ours = {name.split(".")[1] for name in loaded if name.startswith("clarion.")}
    assert "_core" in ours
    assert ours <= {"_core", "errors", "typing"}


def test_no_third_party_is_loaded(loaded):
    """All other loaded modules belong to the standard library."""
    others = {name.partition(".")[0] for name in loaded} - {"clarion"}
    assert others <= sys.stdlib_module_names


def test_no_slow_module_is_loaded(loaded):
    """Modules with a slow import are loaded only when they are needed."""
    assert SLOW.isdisjoint(loaded)


def imports(path):
    """Yield the top-level packages that a module imports, also in functions."""
    for node in nodes_of(path.read_text()):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: a relative import"
            yield (node.module or "").partition(".")[0]


def test_only_integrations_import_third_parties():
    """Other modules import only the standard library and Clarion, even in a function."""
    imported = {name_of(path): {*imports(path)} - {"clarion", *STANDARD} for path in MODULES}
    with_others = [name for name, packages in imported.items() if packages]
    assert with_others
    assert not [name for name in with_others if not name.startswith(INTEGRATIONS)]
