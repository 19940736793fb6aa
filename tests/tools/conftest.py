"""The sdist and the wheel, built once for all tests of the published files."""

import shutil
import sys

import pytest

from tests.house.tree import ROOT
from tests.tools.building import run

# The part of the checkout that a build may read.
SOURCE = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "src")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """Copy what a build needs of the checkout."""
    source = tmp_path_factory.mktemp("source")
    built = shutil.ignore_patterns("*.so", "*.egg-info", "__pycache__")
    for name in SOURCE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=built)
        else:
            shutil.copy(ROOT / name, source)
    return source


@pytest.fixture(scope="session")
def dist(checkout):
    """Build the sdist, and the wheel from it, in a copy of the checkout."""
    pytest.importorskip("build")
    run(sys.executable, "-m", "build", "--no-isolation", cwd=checkout)
    return checkout / "dist"


@pytest.fixture(scope="session")
def wheel(dist):
    """Return the path of the wheel."""
    (found,) = dist.glob("*.whl")
    return found
