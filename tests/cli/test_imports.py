"""Import the modules that a user names."""

import os
import subprocess
import sys

import pytest

from clarion.cli.failures import CommandError
from clarion.cli.imports import import_named, is_module, is_reference
from tests.cli.conftest import HOSTILE
from tests.house.tree import SRC


def test_a_reference_is_distinguished_from_a_url():
    """`module:object` is a reference; a URL and a module are not."""
    assert is_reference("shop.db:database")
    assert is_reference("shop.db:settings.database")
    assert not is_reference("sqlite:///shop.db")
    assert not is_reference("shop.db")
    assert not is_reference("mysql://host/shop")


def test_the_current_directory_is_searched(here):
    """A module in the current directory is found."""
    (here / "clishop_here.py").write_text("number = 7")
    assert import_named("clishop_here").number == 7
    assert import_named("clishop_here").number == 7


@pytest.mark.parametrize("name", ["clishop_gone", "clishop_gone.inner", "json.gone"])
def test_a_missing_module_is_one_sentence(here, name):
    """A module that is not found is named, with the cure."""
    with pytest.raises(CommandError, match=f"No module {name} was found. .*PYTHONPATH") as caught:
        import_named(name)
    assert not caught.value.details


@pytest.mark.parametrize("name", ["", ".shop", "shop/db.py", HOSTILE])
def test_a_wrong_name_is_refused(here, name):
    """Text that is no name of a module is not imported."""
    with pytest.raises(CommandError, match="Write it with dots"):
        import_named(name)


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


def test_an_object_is_refused_with_its_module(here):
    """The receivers are found by the module alone."""
    with pytest.raises(CommandError, match=r"without an object: shop\.db\."):
        import_named("shop.db:paid")


@pytest.mark.parametrize("name", ["shop.", "shop..db", "1shop", "shop.1"])
def test_a_name_has_parts_between_dots(here, name):
    """A name with an empty part, or one that begins with a digit, is refused."""
    with pytest.raises(CommandError, match=r"dots, such as shop\.receivers\."):
        import_named(name)


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


def test_whether_a_name_is_that_of_a_module(here):
    """A function of a module, and a missing module, are none."""
    assert is_module("json.decoder")
    assert not is_module("json.decoder.JSONDecoder")
    assert not is_module("clishop_gone.paid")
    assert not is_module("json:paid")


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


def test_a_user_can_interrupt_an_import(here):
    """Ctrl+C ends the command, and is no fault of the module."""
    (here / "clishop_slow.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        import_named("clishop_slow")


def test_a_broken_syntax_is_shown(here):
    """A module that is no Python is shown with its line."""
    (here / "clishop_syntax.py").write_text("def")
    with pytest.raises(CommandError, match="raised SyntaxError") as caught:
        import_named("clishop_syntax")
    assert caught.value.details.startswith("  File")
    assert "clishop_syntax.py" in caught.value.details.splitlines()[0]
    assert "importlib" not in caught.value.details


@pytest.mark.parametrize("command", ["ls", "graph", "doctor"])
def test_a_hint_if_no_receiver_is_connected(here, command):
    """A hint on standard error names the modules, unless they connect a receiver."""
    (here / "clishop_factory.py").write_text(
        "def create_app():\n    import clishop_receivers\n"
        "from clarion import Signal\n\npaid = Signal()\n"
    )
    (here / "clishop_receivers.py").write_text(
        "from clishop_factory import paid\n\n@paid.connect\ndef mail(**kwargs): ...\n"
    )
    (here / "clishop_wsgi.py").write_text("import clishop_factory\nclishop_factory.create_app()\n")
    ends = []
    for module in ("clishop_factory", "clishop_wsgi"):
        done = subprocess.run(
            [sys.executable, "-m", "clarion", command, module],
            env={**os.environ, "PYTHONPATH": str(SRC)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0
        ends.append(done.stderr)
    assert ends[0].startswith("hint: The import of clishop_factory connects no receiver.")
    assert "create_app(), name a module that calls it" in ends[0]
    assert ends[1] == ""


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
