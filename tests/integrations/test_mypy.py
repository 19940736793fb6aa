"""A project that uses django-stubs: what mypy and pyright report, with the plugin and without.

The environment `stubs` has django-stubs. It is not that of Clarion's own types, because
django-stubs describes one release of Django.
"""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "tests" / "typing" / "django"
FILES = sorted((PROJECT / "shop").glob("*.py"))
PLUGINS = {
    "mypy": [],
    "mypy, our plugin": ["clarion.integrations.mypy"],
    "mypy, both plugins": ["mypy_django_plugin.main", "clarion.integrations.mypy"],
}


def is_installed(distribution):
    """Return whether a distribution is installed."""
    try:
        return bool(version(distribution))
    except PackageNotFoundError:
        return False


pytestmark = pytest.mark.skipif(
    not is_installed("django-stubs"), reason="django-stubs is not installed; `make types` has it"
)


def run(*command, folder):
    """Run a checker and return its output."""
    path = os.pathsep.join(map(str, (ROOT / "src", PROJECT)))
    ran = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "MYPYPATH": path, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode in {0, 1}, ran.stdout + ran.stderr
    return ran.stdout


def lines_of_mypy(folder, plugins):
    """Yield the file and the line of each report of mypy."""
    config = folder / "mypy.ini"
    config.write_text(
        f"[mypy]\nstrict = True\nplugins = {', '.join(plugins)}\n"
        "[mypy.plugins.django-stubs]\ndjango_settings_module = project_settings\n"
    )
    options = ["--config-file=mypy.ini", "--output=json", "--explicit-package-bases"]
    for line in run("mypy", *options, *map(str, FILES), folder=folder).splitlines():
        if line.startswith("{") and (found := json.loads(line))["severity"] == "error":
            yield Path(found["file"]).name, found["line"]


def lines_of_pyright(folder):
    """Yield the file and the line of each report of pyright."""
    config = {
        "include": [os.path.relpath(path, folder) for path in FILES],
        "typeCheckingMode": "strict",
        "extraPaths": [str(ROOT / "src"), str(PROJECT)],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    options = ["--outputjson", "--pythonpath", sys.executable]
    for found in json.loads(run("pyright", *options, folder=folder))["generalDiagnostics"]:
        yield Path(found["file"]).name, found["range"]["start"]["line"] + 1


def marked(marks):
    """Return the lines that have one of these marks."""
    mark = re.compile(rf"# [{marks}]: \w")
    return {
        (path.name, number)
        for path in FILES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if mark.search(line)
    }


@pytest.mark.parametrize("checker", [*PLUGINS, "pyright"])
def test_reports_are_as_marked(checker, tmp_path):
    """`E` is wrong for every checker; `P` is an option that a checker without the plugin refuses."""
    if checker == "pyright":
        found = set(lines_of_pyright(tmp_path))
    else:
        found = set(lines_of_mypy(tmp_path, PLUGINS[checker]))
    has_plugin = "plugin" in checker
    assert found == marked("E" if has_plugin else "EP")
