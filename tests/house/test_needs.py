"""Are the tests that import a package left out where it is missing?"""

import ast
import re
import sys

from conftest import NEEDS
from tests.house.tree import ROOT

TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
# Those of the dependency group `bare`, and modules of this checkout.
ALWAYS = {*sys.stdlib_module_names, "clarion", "hypothesis", "pytest", "sybil"}
ALWAYS |= {each.name.removesuffix(".py") for each in [*ROOT.iterdir(), *(ROOT / "tools").iterdir()]}
IMPORTS = (ast.Import, ast.ImportFrom)
IMPORT = re.compile(r"^(?:from|import) (\w+)", re.MULTILINE)
SKIP = re.compile(r"^(?:\w+ = )?pytest\.importorskip", re.MULTILINE)


def imported_by(source):
    """Return the packages that a test file imports when it is collected, before it may skip."""
    source = SKIP.split(source)[0]
    if not {*IMPORT.findall(source)} - ALWAYS:
        return set()
    # The text of a program may have imports, too.
    lines = [ast.unparse(node) for node in ast.parse(source).body if isinstance(node, IMPORTS)]
    return {match[1] for line in lines if (match := IMPORT.match(line))} - ALWAYS


def listed_for(name):
    """Return the packages that `NEEDS` has for a test file and for the folders that it is in."""
    return {each for place in (name, *name.parents) for each in NEEDS.get(place.as_posix(), ())}


def test_imports_are_read():
    """Imports of other packages before a skip are found, and no other."""
    source = "import re\nfrom sqlalchemy.orm import Session\nimport celery\nimport clarion\n"
    source += 'PROGRAM = """\nimport taskiq\n"""\npsycopg = pytest.importorskip("psycopg")\nimport rq\ndef f():\n    import huey\n'
    assert imported_by(source) == {"sqlalchemy", "celery"}


def test_a_test_of_a_package_can_be_left_out():
    """`NEEDS` of conftest.py names a package that the file imports, or the bare suite fails."""
    imported = {path.relative_to(ROOT): imported_by(path.read_text()) for path in TESTS}
    assert any(imported.values())
    assert not [
        (str(name), packages)
        for name, packages in imported.items()
        if packages and not packages & listed_for(name)
    ]
