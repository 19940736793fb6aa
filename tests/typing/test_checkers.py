"""The reports of mypy and pyright, both strict, on the files in `accept/` and `reject/`.

The files in `loose/` have no annotations, as many programs, and are not checked strictly.
"""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SRC = HERE.parents[1] / "src"
GROUPS = ("accept", "reject")
LOOSE = sorted((HERE / "loose").glob("*.py"))
FILES = [path for group in GROUPS for path in sorted((HERE / group).glob("*.py"))]
CHECKERS = ("mypy", "pyright")

# `order_paid.send(Order)  # E: missing keyword` must be reported, and no other line.
MARK = re.compile(r"# E: \w")


def run(*command, folder):
    """Run a checker and return its output."""
    ran = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "MYPYPATH": f"{SRC}{os.pathsep}{HERE}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode in {0, 1}, ran.stdout + ran.stderr
    return ran.stdout


def reports_of_mypy(folder, files, *, strict):
    """Yield the reports of mypy: file, line and message."""
    options = ["--python-version=3.11", "--config-file=", "--output=json"]
    # Both folders have a `plain.py`.
    options += ["--explicit-package-bases", "--strict" if strict else "--check-untyped-defs"]
    for line in run("mypy", *options, *map(str, files), folder=folder).splitlines():
        if line.startswith("{") and (found := json.loads(line))["severity"] == "error":
            yield Path(found["file"]), found["line"], found["message"]


def reports_of_pyright(folder, files, *, strict):
    """Yield the reports of pyright: file, line and message."""
    config = {
        "include": [os.path.relpath(path, folder) for path in files],
        "typeCheckingMode": "strict" if strict else "standard",
        "extraPaths": [str(SRC)],
        "pythonVersion": "3.11",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    options = ["--outputjson", "--pythonpath", sys.executable]
    for found in json.loads(run("pyright", *options, folder=folder))["generalDiagnostics"]:
        yield Path(found["file"]), found["range"]["start"]["line"] + 1, found["message"]


@pytest.fixture(scope="session", params=CHECKERS)
def reports(request, tmp_path_factory):
    """Run a checker over all files; return its reports by file and line."""
    installed = [name for name in CHECKERS if find_spec(name) is not None]
    if request.param not in installed:
        # An environment with one checker must have both: a skipped one would not be noticed.
        assert not (installed and "CI" in os.environ), f"{request.param} is not installed"
        pytest.skip(f"{request.param} is not installed; `make types` has it")
    ask = {"mypy": reports_of_mypy, "pyright": reports_of_pyright}[request.param]
    found: dict[Path, dict[int, str]] = {}
    for files, strict in [(FILES, True), (LOOSE, False)]:
        folder = tmp_path_factory.mktemp(request.param)
        for path, line, message in ask(folder, files, strict=strict):
            found.setdefault(path, {}).setdefault(line, message)
    return found


def marked(path):
    """Return the lines of a file that must be reported."""
    lines = path.read_text().splitlines()
    return {number: line for number, line in enumerate(lines, 1) if MARK.search(line)}


@pytest.mark.parametrize("path", FILES + LOOSE, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_reports_are_as_marked(reports, path):
    """A checker reports every marked line, and no other line."""
    wanted, found = marked(path), reports.get(path, {})
    missed = [f"{path}:{line}: {wanted[line].strip()}" for line in sorted({*wanted} - {*found})]
    added = [f"{path}:{line}: {found[line]}" for line in sorted({*found} - {*wanted})]
    assert not missed, "\n".join(["not reported:", *missed])
    assert not added, "\n".join(["reported:", *added])


def test_the_report_of_a_decorated_receiver_names_its_parameters(reports):
    """The report names the parameters of the declaration, and no list of overloads."""
    found = reports[HERE / "reject" / "declared.py"]
    lines = (HERE / "reject" / "declared.py").read_text().splitlines()
    message = found[lines.index("@receiver(order_paid)  # E: lacks a keyword") + 1]
    assert "overload" not in message.partition("\n")[0].lower()
    assert "order_id" in message
    assert "amount" in message


def test_nothing_else_is_reported(reports):
    """The checkers of users report nothing in Clarion itself."""
    assert {path: found for path, found in reports.items() if path not in FILES + LOOSE} == {}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_files_are_in_the_right_folder(path):
    """Each file in `reject/` has a marked line, and no file in `accept/` has one."""
    assert bool(marked(path)) == (path.parent.name == "reject")
