"""Do modules that are named in strings exist?"""

import ast
import re

from tests.house.tree import MODULES, PACKAGES, ROOT, name_of, nodes_of, relative

PYTHON = [
    *MODULES,
    *(p for d in ("tools", "benchmarks", "examples") for p in ROOT.glob(f"{d}/**/*.py")),
]
OURS = {name_of(module) for module in MODULES}
DOTTED = re.compile(r"clarion\.(\w+)[\w.]*\w")


def named_in(path):
    """Yield the line and the text of each string that names a module of ours."""
    for node in nodes_of(path.read_text()):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            match = DOTTED.fullmatch(node.value)
            if match and match[1] in PACKAGES:
                yield node.lineno, node.value


def test_named_modules_exist():
    """A string such as "clarion.commit.boundary" names a module, which a move may break."""
    named = {f"{relative(path)}:{line}": name for path in PYTHON for line, name in named_in(path)}
    assert named
    assert not {place: name for place, name in named.items() if name not in OURS}
