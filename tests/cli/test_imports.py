"""Import the modules that a user names."""

import os
import subprocess
import sys
import threading

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


def test_an_object_is_refused_with_its_module(here):
    """The receivers are found by the module alone."""
    with pytest.raises(CommandError, match=r"without an object: shop\.db\."):
        import_named("shop.db:paid")


@pytest.mark.parametrize("name", ["shop.", "shop..db", "1shop", "shop.1"])
def test_a_name_has_parts_between_dots(here, name):
    """A name with an empty part, or one that begins with a digit, is refused."""
    with pytest.raises(CommandError, match=r"dots, such as shop\.receivers\."):
        import_named(name)


def test_whether_a_name_is_that_of_a_module(here):
    """A function of a module, and a missing module, are none."""
    assert is_module("json.decoder")
    assert not is_module("json.decoder.JSONDecoder")
    assert not is_module("clishop_gone.paid")
    assert not is_module("json:paid")


def test_a_user_can_interrupt_an_import(here):
    """Ctrl+C ends the command, and is no fault of the module."""
    (here / "clishop_slow.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        import_named("clishop_slow")


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


def test_an_import_that_does_not_end(here, monkeypatch):
    """A hint names the module, because a server that it starts prints nothing, perhaps."""
    hints = []
    shown = threading.Event()

    def print_hint(text):
        hints.append(text)
        shown.set()

    monkeypatch.setattr("clarion.cli.imports.PATIENCE", 0.0)
    monkeypatch.setattr("clarion.cli.imports.print_hint", print_hint)
    monkeypatch.setitem(sys.modules, "clishop_shown", shown)
    (here / "clishop_server.py").write_text("import clishop_shown\nclishop_shown.wait(60)\n")
    import_named("clishop_server")
    assert [each.partition(".")[0] for each in hints] == ["The import of clishop_server still runs"]
