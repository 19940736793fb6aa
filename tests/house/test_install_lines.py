"""Every line that installs Clarion names the distribution and its extras."""

import re
import subprocess
import tomllib
from collections import defaultdict

import pytest

from clarion.errors import MissingExtraError
from tests.house.tree import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NAME = PROJECT["name"]
EXTRAS = {*PROJECT["optional-dependencies"]}

# What follows "install" in a page, a docstring or a message, up to the end of the command.
LINE = re.compile(r"\b(?:pip3?|uv) (?:install|add) (?P<arguments>[^\n`#,]*)")
REQUIREMENT = re.compile(r"^(?P<name>\.|[A-Za-z][\w.-]*)(?:\[(?P<extra>[^\]]*)\])?$")
SUFFIXES = {".md", ".py", ".toml", ".yml", ".yaml", ".txt", ".cfg"}


def tracked():
    """Return the text files that Git has, or may get, of the checkout."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs a Git checkout", allow_module_level=True)
    paths = (ROOT / line for line in done.stdout.splitlines())
    return [path for path in paths if path.suffix in SUFFIXES and path.is_file()]


def installed_by(text):
    """Yield the name and the extra of each requirement of Clarion in the pip lines of a text."""
    for line in LINE.finditer(text):
        for argument in re.sub(r"['\"]", " ", line["arguments"]).split():
            match = REQUIREMENT.match(argument)
            if match and (match["name"] == "." or match["name"].startswith("clarion")):
                yield match["name"], match["extra"]


FOUND = [
    (path.relative_to(ROOT), requirement)
    for path in tracked()
    if path.name != "test_install_lines.py"
    for requirement in installed_by(path.read_text(encoding="utf-8"))
    if "{" not in (requirement[1] or "")  # a format string, whose result is checked below
]
LINES = [*dict.fromkeys(FOUND)]


def test_the_lines_are_found():
    """The search finds the lines of README, pages and docstrings."""
    found = {str(path) for path, _ in LINES}
    assert {"README.md", "docs/how-to/override-settings.md"} <= found
    assert "src/clarion/integrations/jinja.py" in found
    assert [*installed_by('run `pip install "clarion[x]"`')] == [("clarion", "x")]
    assert [*installed_by("$ pip install .   # here")] == [(".", None)]


def test_the_lines_name_the_distribution():
    """A line names a checkout or the distribution, and an extra that there is."""
    assert not [
        (str(path), name, extra)
        for path, (name, extra) in LINES
        if name not in {".", NAME} or extra not in {None, *EXTRAS}
    ]


def test_both_lines_are_given():
    """What works in a checkout stands beside what works after a release."""
    names = defaultdict(set)
    for path, (name, extra) in LINES:
        if path.parts[0] != "tests":
            names[str(path), extra].add(name)
    assert names
    assert not {place: found for place, found in names.items() if found != {".", NAME}}


def test_the_messages_name_both_lines():
    """The error of an integration gives the same two lines."""
    for extra in EXTRAS:
        for error in (
            MissingExtraError.of("package", extra),
            MissingExtraError.too_old("package", extra, "2", "1"),
        ):
            assert {*installed_by(str(error))} == {(".", extra), (NAME, extra)}


def test_the_old_name_is_gone():
    """No file takes the package for the distribution."""
    old = re.compile(r"""['"` ]clarion\[\w""")
    for path in tracked():
        if path.name != "test_install_lines.py":
            assert not old.search(path.read_text(encoding="utf-8")), path
