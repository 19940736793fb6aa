"""`python -m clarion`."""

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
