"""What PyInstaller adds to a program; tests/tools/test_bundles.py builds and runs some."""

import runpy
from importlib.machinery import PathFinder
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from clarion.commit.providers import FRAMEWORKS
from clarion.integrations.pyinstaller import hooks
from tests.house.tree import ROOT

MODULES = ("clarion", *FRAMEWORKS)
(FOLDER,) = map(Path, hooks.hook_dirs())


class Program:
    """A program as a hook sees it: its modules, and what a hook adds to them.

    Args:
        modules: those that PyInstaller has found.
        without: those that the user excludes, for which PyInstaller keeps an empty node.
    """

    def __init__(self, *modules, without=()):
        self.nodes = {name: SimpleNamespace(filename=f"{name}.py") for name in modules}
        self.nodes |= {name: SimpleNamespace(filename=None) for name in without}
        self.added = set()
        self.graph = self

    def find_node(self, name):
        """Return the node of a module."""
        return self.nodes.get(name)

    def add_imports(self, *names):
        """Add modules."""
        self.added.update(names)


def added_to(*modules, without=()):
    """Return the integrations that are added to a program."""
    program = Program(*modules, without=without)
    hooks.add_integrations(program)
    return {name.split(".")[2] for name in program.added}


def test_a_hook_waits_for_each_module_concerned():
    """Clarion and each framework have a hook, and a user's hook of a framework comes first."""
    assert {path.stem for path in FOLDER.glob("hook-*")} == {f"hook-{name}" for name in MODULES}
    for name in FRAMEWORKS:
        assert "# $PyInstaller-Hook-Priority: -" in (FOLDER / f"hook-{name}.py").read_text()


def test_the_integrations_of_a_framework_are_added_with_it():
    """A program gets the integrations of the frameworks that it contains, and no other."""
    assert added_to("clarion") == set()
    assert added_to("clarion", "sqlalchemy.orm") == {"sqlalchemy"}
    assert added_to("clarion", "django.db") == {"django"}
    assert added_to(*MODULES) == {"django", "sqlalchemy"}


def test_a_program_without_clarion_gets_nothing():
    """A framework does not add Clarion to a program that has it not, or excludes it."""
    assert added_to("sqlalchemy.orm") == set()
    assert added_to("sqlalchemy.orm", without=["clarion"]) == set()
    assert added_to("clarion", without=["django.db"]) == set()


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_is_added_exists_and_is_complete(framework):
    """Every added module is one of Clarion's, and the provider and its package are among them."""
    program = Program("clarion", framework)
    hooks.add_integrations(program)
    for name in program.added:
        package, _, last = name.rpartition(".")
        folder = ROOT.joinpath("src", *package.split("."))
        assert PathFinder.find_spec(last, [str(folder)]) is not None, name
    provider = FRAMEWORKS[framework]
    assert {provider, ".".join(provider.split(".")[:3])} <= program.added


def test_pyinstaller_finds_the_folder():
    """The entry point of the distribution is that of PyInstaller, and leads here."""
    text = (ROOT / "pyproject.toml").read_text()
    assert f'"{hooks.__name__}:hook_dirs"' in text.partition("entry-points.pyinstaller40]")[2]
    installed = entry_points(group="pyinstaller40", name="hook-dirs")
    for each in installed:
        if each.module.startswith("clarion"):  # an older installation of a checkout has none
            assert each.load() is hooks.hook_dirs


@pytest.mark.parametrize("name", MODULES)
def test_each_hook_runs_in_pyinstaller(name):
    """PyInstaller can run the file, whose hook adds the integrations."""
    if find_spec("PyInstaller") is None:
        pytest.skip("PyInstaller is not installed")
    file = FOLDER / f"hook-{name}.py"
    namespace = runpy.run_path(str(file))
    program = Program(*MODULES)
    namespace["hook"](program)
    assert program.added


def test_the_statements_of_the_outbox_are_bundled():
    """The hook bundles the outbox's files of SQL, which PyInstaller does not see."""
    if find_spec("PyInstaller") is None:
        pytest.skip("PyInstaller is not installed")
    datas = runpy.run_path(str(FOLDER / "hook-clarion.py"))["datas"]
    assert {Path(source).name for source, _ in datas} >= {
        "mysql.sql",
        "postgresql.sql",
        "sqlite.sql",
    }
