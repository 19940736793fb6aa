"""The source tree, for the tests in this folder.

Each rule is one test, which names every file that breaks it. A test for each rule and file would be
thousands. pytest needs more time for such a test than the rule needs for the file.
"""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
MODULES = sorted((SRC / "clarion").rglob("*.py"))
PACKAGES = {path.relative_to(SRC / "clarion").parts[0].removesuffix(".py") for path in MODULES}
PACKAGES -= {"__init__", "__main__"}


def name_of(path: Path) -> str:
    """Return the dotted name of a module, which is also the test's id."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def relative(path: Path) -> str:
    """Return the path of a file in the checkout."""
    return str(path.relative_to(ROOT))


@cache
def nodes_of(source: str) -> list[ast.AST]:
    """Return all nodes of a module of ours; several tests read each module."""
    return [*ast.walk(ast.parse(source))]
