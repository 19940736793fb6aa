"""What to do if a module cannot be found or imported."""

import sys

import pytest

from clarion.cli.failures import CommandError
from clarion.cli.imports import import_named


@pytest.mark.parametrize(
    "path",
    ["shop/db.py", "./shop/db.py", "shop\\db.py", "shop/db", "shop/db/", "shop/db/__init__.py"],
)
def test_the_path_of_a_file_is_refused_with_its_module(here, path):
    """The cure is the name to write, also for the folder of a package."""
    with pytest.raises(CommandError, match=r"Write it with dots: shop\.db\."):
        import_named(path)


def test_a_whole_path_is_refused_with_its_module(here):
    """A path that a shell has completed leads to the module, too."""
    with pytest.raises(CommandError, match=r"Write it with dots: shop\.db\."):
        import_named(str(here / "shop" / "db.py"))


def test_a_refusal_of_clarion_is_one_sentence(here):
    """It names the line of the program, and shows no lines of Clarion's own."""
    (here / "clishop_refused.py").write_text(
        "from clarion import Signal\npaid = Signal()\npaid.connect(print, deliver=1)\n"
    )
    with pytest.raises(CommandError) as caught:
        import_named("clishop_refused")
    assert str(caught.value).startswith(
        "The module clishop_refused cannot be imported. clishop_refused.py:3: connect()"
    )
    assert not caught.value.details


def test_a_misspelt_module_is_proposed(here):
    """The message names a module that is written alike, at the top or in a package."""
    (here / "clishop").mkdir()
    (here / "clishop" / "__init__.py").touch()
    (here / "clishop" / "receivers.py").touch()
    for wrong, right in [("clishp", "clishop"), ("clishop.recievers", "clishop.receivers")]:
        with pytest.raises(
            CommandError, match=f"No module {wrong} was found. Did you mean {right}\\?"
        ):
            import_named(wrong)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import clishop_absent", "ModuleNotFoundError"),
        ("1 / 0", "ZeroDivisionError"),
        ("exit()", "SystemExit"),
        ("raise GeneratorExit", "GeneratorExit"),
    ],
)
def test_a_broken_module_shows_its_own_traceback(here, source, error):
    """The traceback of a module that raises begins in that module."""
    (here / "clishop_broken.py").write_text(source)
    with pytest.raises(CommandError, match=f"clishop_broken raised {error}") as caught:
        import_named("clishop_broken")
    lines = caught.value.details.splitlines()
    assert "clishop_broken.py" in lines[1]
    assert lines[-1].startswith(error)


def test_a_file_is_answered_with_its_module(here):
    """`clarion ls shop.py` names the module."""
    (here / "clishop_file.py").write_text("")
    with pytest.raises(CommandError, match=r"Write it without \.py: clishop_file\."):
        import_named("clishop_file.py")


DJANGO = """
class AppRegistryNotReady(Exception):
    __module__ = "django.core.exceptions"

class ModelSignal:
    def connect(self, receiver): ...
"""


@pytest.mark.parametrize(
    ("line", "cure"),
    [
        ("raise AppRegistryNotReady", r"calls django\.setup\(\).*or use manage\.py clarion"),
        ("ModelSignal().connect(print, delivery=1)", "Add 'clarion.integrations.django' to"),
        ("ModelSignal().connect(print, dispatch=1)", "Correct it"),
    ],
)
def test_the_cure_for_a_django_that_is_not_ready(here, line, cure):
    """Two errors of Django's have a cure that their own text does not name."""
    (here / "clishop_django.py").write_text(f"{DJANGO}\n{line}\n")
    with pytest.raises(CommandError, match=cure):
        import_named("clishop_django")


@pytest.mark.parametrize("settings", ["clishop_unset", "clishop_unset.production"])
def test_the_cure_for_settings_that_are_missing(here, monkeypatch, settings):
    """A module that Django cannot find by its variable is not one that the user has to correct."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", settings)
    (here / "clishop_django.py").write_text(
        "import os\n__import__(os.environ['DJANGO_SETTINGS_MODULE'])\n"
    )
    with pytest.raises(CommandError, match="Set the variable to the settings of the project"):
        import_named("clishop_django")


def test_a_broken_syntax_is_shown(here):
    """A module that is no Python is shown with its line."""
    (here / "clishop_syntax.py").write_text("def")
    with pytest.raises(CommandError, match="raised SyntaxError") as caught:
        import_named("clishop_syntax")
    assert caught.value.details.startswith("  File")
    assert "clishop_syntax.py" in caught.value.details.splitlines()[0]
    assert "importlib" not in caught.value.details


def test_a_module_in_the_folder_src(tmp_path, monkeypatch):
    """The message says what to do, by its name and by its path, unless Python searches the folder."""
    (tmp_path / "src" / "clishop").mkdir(parents=True)
    (tmp_path / "src" / "clishop" / "rec.py").touch()
    monkeypatch.chdir(tmp_path)
    cure = r"Install the program, or set PYTHONPATH=src\."
    with pytest.raises(
        CommandError, match=rf"No module clishop was found. It is in the folder src. {cure}$"
    ):
        import_named("clishop")
    with pytest.raises(CommandError, match=rf"with dots, without src: clishop\.rec\. {cure}$"):
        import_named("src/clishop/rec.py")
    monkeypatch.syspath_prepend(str(tmp_path / "src"))
    with pytest.raises(CommandError, match=r"with dots, without src: clishop\.rec\.$"):
        import_named("src/clishop/rec.py")


def test_an_object_of_a_module(tmp_path, monkeypatch):
    """A module is named, and not a signal or a function in it."""
    (tmp_path / "cliobject.py").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        CommandError, match=r"cliobject is a module, and no package\. Name cliobject\.$"
    ):
        import_named("cliobject.paid")
    sys.modules.pop("cliobject")


@pytest.mark.parametrize(
    ("file", "possible"), [("my-job.py", "my_job"), ("2024.py", "_2024"), ("a b.py", "a_b")]
)
@pytest.mark.parametrize("ending", ["", ".py"])
def test_a_file_that_cannot_be_imported_is_renamed(here, file, possible, ending):
    """A script may have any name, and a module may not."""
    (here / file).touch()
    with pytest.raises(
        CommandError, match=rf"named so\. Rename it, for example to {possible}\.py\.$"
    ):
        import_named(file.removesuffix(".py") + ending)


def test_a_file_of_another_folder(here, monkeypatch):
    """The command runs in the folder that contains the outermost package."""
    (here / "clishop" / "inner").mkdir(parents=True)
    for file in ("__init__.py", "rec.py", "inner/__init__.py", "inner/deep.py"):
        (here / "clishop" / file).touch()
    (here / "other").mkdir()
    monkeypatch.chdir(here / "other")
    for file, name in [
        ("rec.py", "clishop.rec"),
        ("inner/deep.py", "clishop.inner.deep"),
        ("__init__.py", "clishop"),
    ]:
        for path in (f"../clishop/{file}", str(here / "clishop" / file)):
            with pytest.raises(CommandError, match=rf"directory {here}, and name {name}\.$"):
                import_named(path)
    with pytest.raises(CommandError, match=r"dots, such as shop\.receivers\.$"):
        import_named("../clishop/gone.py")


@pytest.mark.parametrize("source", ["from . import signals", "from clishop import signals"])
def test_the_command_runs_in_a_package(here, monkeypatch, source):
    """A module that imports its package is imported from the folder above."""
    (here / "clishop").mkdir()
    (here / "clishop" / "__init__.py").touch()
    (here / "clishop" / "clirec.py").write_text(source)
    monkeypatch.chdir(here / "clishop")
    with pytest.raises(CommandError, match=rf"Run the command in (the directory )?{here}\b"):
        import_named("clirec")
    with pytest.raises(CommandError, match=rf"Run the command in the directory {here}\.$"):
        import_named("clishop.clirec")


def test_a_package_that_is_not_installed(here):
    """The command needs the packages of the program."""
    (here / "clishop_needs.py").write_text("import clishop_absent.inner")
    with pytest.raises(CommandError, match="Install clishop_absent, or run the command with"):
        import_named("clishop_needs")


def test_a_module_that_ends_the_program(here):
    """A script is imported without its end."""
    (here / "clishop_ends.py").write_text("raise SystemExit(3)")
    with pytest.raises(CommandError, match="Let it end the program under `if __name__ =="):
        import_named("clishop_ends")


def test_the_lines_of_the_import_system_are_left_out(here):
    """A module that another one imports is shown without what Python does between them."""
    (here / "clishop_outer.py").write_text(
        "import importlib\nimportlib.import_module('clishop_in')"
    )
    (here / "clishop_in.py").write_text("1 / 0")
    with pytest.raises(CommandError) as caught:
        import_named("clishop_outer")
    assert "clishop_in.py" in caught.value.details
    assert "frozen" not in caught.value.details
