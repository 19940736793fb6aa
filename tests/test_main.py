"""`python -m clarion`."""

import os
import subprocess
import sys

import pytest

import clarion
from tests.house.tree import ROOT


def test_it_runs_the_command_line():
    """`python -m clarion` is the command `clarion`."""
    pytest.importorskip("typer")
    done = subprocess.run(
        [sys.executable, "-m", "clarion", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "src",
    )
    assert done.stdout == f"clarion {clarion.__version__}\n"


def test_an_import_runs_nothing():
    """A tool that imports every module does not start a command."""
    import clarion.__main__ as module

    assert callable(vars(module)["main"])


def test_an_interrupted_start_has_no_traceback(tmp_path):
    """Ctrl+C ends the command with the exit code of a shell, also while packages are loaded."""
    for package in ("rich", "typer"):  # whichever the command loads first
        (tmp_path / f"{package}.py").write_text("raise KeyboardInterrupt")
    done = subprocess.run(
        [sys.executable, "-m", "clarion", "ls"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "src")])},
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
