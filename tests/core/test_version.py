"""clarion.__version__ is the version in pyproject.toml, read on first use."""

import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError

import pytest

import clarion
from clarion._core import version as module
from clarion._core.version import DISTRIBUTION, version_of
from tests.house.tree import ROOT, SRC

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture
def metadata(monkeypatch):
    """Return a dictionary of installed versions that a test may fill."""
    installed: dict[str, str] = {}

    def find(name):
        if name not in installed:
            raise PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(module, "version", find)
    return installed


def checkout(folder, text):
    """Create a checkout with this pyproject.toml; return the path of its package."""
    (folder / "pyproject.toml").write_text(text)
    return folder / "src" / "clarion"


def test_the_distribution_is_that_of_pyproject():
    """The metadata are found by the name under which Clarion is published."""
    assert PROJECT["name"] == DISTRIBUTION


def test_it_is_the_version_of_pyproject():
    """The version equals that of pyproject.toml."""
    assert version_of(SRC / "clarion") == PROJECT["version"]
    assert isinstance(clarion.__version__, str)


def test_the_import_does_not_read_it():
    """`import clarion` loads neither the version module nor its imports."""
    code = (
        f"import sys; sys.path.insert(0, {str(SRC)!r}); import clarion; "
        "print({'clarion._core.version', 'importlib.metadata', 'tomllib'} & {*sys.modules}); "
        "print(clarion.__version__)"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["set()", PROJECT["version"]]


def test_a_checkout_comes_before_the_metadata(tmp_path, metadata):
    """The checkout takes precedence over an installed release."""
    metadata[DISTRIBUTION] = "1.0"
    package = checkout(tmp_path, '[project]\nname = "clarion-signals"\nversion = "2.0"')
    assert version_of(package) == "2.0"


@pytest.mark.parametrize("text", ['[project]\nname = "shop"\nversion = "9.0"', "[tool.ruff]"])
def test_another_project_is_ignored(tmp_path, metadata, text):
    """The pyproject.toml of another project around a copy of Clarion is ignored."""
    metadata[DISTRIBUTION] = "1.0"
    assert version_of(checkout(tmp_path, text)) == "1.0"


def test_an_installed_package_has_metadata(tmp_path, metadata):
    """An installed package reads its metadata."""
    metadata[DISTRIBUTION] = "1.0"
    assert version_of(tmp_path / "site-packages" / "clarion") == "1.0"


@pytest.mark.usefixtures("metadata")
def test_without_metadata_it_is_unknown(tmp_path):
    """Without pyproject.toml and metadata the version is that of no release."""
    assert version_of(tmp_path / "clarion") == "0+unknown"
