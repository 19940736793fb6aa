"""The names of receivers, senders and signals in messages."""

import functools
import subprocess
import sys
import textwrap
from functools import partial
from types import ModuleType
from typing import Any

import pytest

import clarion
from clarion import Signal
from clarion._core import names
from tests.core.receivers import AsyncListener, Listener, Sender, echo

module_signal = Signal()


class Shop:
    """A class that holds a signal."""

    opened = Signal()


@functools.wraps(echo)
def wrapped(*args, **kwargs):
    """Wrap a receiver."""
    return echo(*args, **kwargs)


class Initialised:
    """A receiver whose call is its constructor."""

    def __init__(self, **kwargs):
        """Take anything."""


RECEIVERS = "tests.core.receivers"


@pytest.mark.parametrize(
    ("receiver", "name", "code"),
    [
        pytest.param(echo, f"{RECEIVERS}.echo", echo, id="function"),
        pytest.param(
            Listener().method, f"{RECEIVERS}.Listener.method", Listener.method, id="method"
        ),
        pytest.param(
            Listener.class_method,
            f"{RECEIVERS}.Listener.class_method",
            Listener.class_method,
            id="class method",
        ),
        pytest.param(functools.partial(echo), f"partial({RECEIVERS}.echo)", echo, id="partial"),
        pytest.param(
            Listener(), f"{RECEIVERS}.Listener object", Listener.__call__, id="callable object"
        ),
        pytest.param(
            functools.partial(functools.partial(AsyncListener())),
            f"partial({RECEIVERS}.AsyncListener object)",
            AsyncListener.__call__,
            id="partial of an object",
        ),
        pytest.param(wrapped, f"{RECEIVERS}.echo", echo, id="wrapped function"),
        pytest.param(Initialised, f"{__name__}.Initialised", Initialised.__init__, id="class"),
        pytest.param(print, "builtins.print", None, id="builtin"),
        pytest.param([].append, "list.append", None, id="builtin method"),
    ],
)
def test_a_receiver_has_a_name_and_a_place(receiver, name, code):
    """Every kind of receiver has a name and the place where it is defined."""
    assert names.name_of(receiver) == name
    if code is None:
        assert names.place_of(receiver) is None
        assert names.described(receiver) == name
    else:
        place = code.__code__.co_filename, code.__code__.co_firstlineno
        assert names.place_of(receiver) == place
        assert names.described(receiver) == f"{name} ({place[0]}:{place[1]})"


def test_a_circle_of_wrappers_has_a_place():
    """A receiver that wraps itself still has a place."""

    def receiver(**kwargs):
        return None

    receiver.__wrapped__ = receiver  # type: ignore[attr-defined]
    assert names.place_of(receiver) is not None


def test_senders_are_named():
    """Classes, text and numbers have names; other senders have the name of their type."""
    assert names.sender_name(Sender) == "tests.core.receivers.Sender"
    assert names.sender_name("web") == "'web'"
    assert names.sender_name(7) == "7"
    assert names.sender_name(None) == "any sender"
    assert names.sender_name(Sender()) == "an object of tests.core.receivers.Sender"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "None"),
        ("web", "a str"),
        (1.5, "a float"),
        (7, "an int"),
        (True, "a bool"),
        ([Sender()], "a list"),
        (object(), "an object"),
        (Sender, "tests.core.receivers.Sender"),
        (Sender(), "an object of tests.core.receivers.Sender"),
        (echo, "tests.core.receivers.echo"),
        (partial(echo, card="s3cret"), "partial(tests.core.receivers.echo)"),
        (len, "builtins.len"),
        (int, "builtins.int"),
        (Listener().method, "tests.core.receivers.Listener.method"),
        (module_signal, f"signal {__name__}.module_signal"),
    ],
)
def test_values_have_the_name_of_their_type(value, name):
    """Only classes, functions and signals have names; the text of a value is never shown."""
    assert names.value_name(value) == name


def test_a_proxy_is_not_resolved():
    """A lazy object, such as Django's settings, is named without loading its object."""

    class Lazy:
        @property  # type: ignore[misc]
        def __class__(self):
            raise RuntimeError

        def __getattr__(self, name):
            raise RuntimeError

    assert names.value_name(Lazy()).startswith(f"an object of {__name__}.")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("web", "'web'"),
        ("shop.models:Order", "'shop.models:Order'"),
        ("web shop", "'web shop'"),
        ("", "''"),
        ("postgresql://ada:s3cret@db/shop", "a str"),
        ("x" * 101, "a str"),
        (b"web", "a bytes"),
        (Sender, "tests.core.receivers.Sender"),
    ],
)
def test_text_that_can_be_a_name_is_quoted(value, name):
    """Short text without special characters is quoted; other text may be a URL with a password."""
    assert names.quoted_name(value) == name


def test_a_signal_has_the_name_of_its_module():
    """A signal at the top of a module has the name of the module and the variable."""
    assert module_signal.name == f"{__name__}.module_signal"
    assert repr(module_signal) == f"<Signal {__name__}.module_signal>"


def test_a_signal_has_the_name_of_its_class():
    """A signal in a class body has the name of the class and the attribute."""
    assert Shop.opened.name == f"{__name__}.Shop.opened"


def test_an_explicit_name_takes_precedence(make):
    """An explicit name takes precedence over the place of the signal."""

    class Holder:
        closed = make(name="shop.closed")

    assert Holder.closed.name == "shop.closed"


def test_a_local_signal_is_nameless(signal):
    """A signal that no module holds is nameless."""
    assert "nameless" in signal.name
    assert "nameless" in repr(signal)


def test_a_name_is_found_later(signal, monkeypatch):
    """A nameless signal gets a name once its module holds it."""
    assert "nameless" in signal.name
    # conftest.py created it, in a fixture.
    monkeypatch.setitem(vars(sys.modules[signal._table.home]), "found_later", signal)
    assert signal.name == f"{signal._table.home}.found_later"


def test_a_name_is_found_in_a_module_imported_later(signal, monkeypatch):
    """A signal that another module holds has the name of that module."""
    assert "nameless" in signal.name
    module = ModuleType("imported_later")
    module.moved = signal  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "imported_later", module)
    assert signal.name == "imported_later.moved"


def test_a_name_once_found_stays(monkeypatch):
    """A name stays the same when the signal moves."""
    signal = Signal()
    monkeypatch.setitem(globals(), "held", signal)
    assert signal.name == f"{__name__}.held"
    monkeypatch.delitem(globals(), "held")
    assert signal.name == f"{__name__}.held"


def test_the_creating_module_comes_first(monkeypatch):
    """The module that created a signal takes precedence over modules that import it."""
    signal = Signal()
    importer = ModuleType("a")
    importer.imported = signal  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a", importer)
    monkeypatch.setitem(globals(), "made_here", signal)
    assert signal.name == f"{__name__}.made_here"


def test_the_source_shows_the_creating_module(tmp_path):
    """The module that assigns the signal takes precedence over one that imports it."""
    (tmp_path / "a.py").write_text("from deep_signals import paid\n")
    (tmp_path / "deep_signals.py").write_text(
        textwrap.dedent("""
        from clarion import Signal

        def make():
            exec_globals = {"Signal": Signal}
            return eval("Signal()", exec_globals)

        paid = make()
        """)
    )
    program = "import a; print(a.paid.name)"
    assert run(program, tmp_path) == "deep_signals.paid"


@pytest.mark.parametrize(
    "assigned", ["paid = make()", "paid: Signal = make()", "paid, other = make(), 1"]
)
def test_a_module_that_connects_receivers_does_not_give_the_name(tmp_path, assigned):
    """The name is stored, so it must not depend on who has imported the signal, or in what order."""
    connecting = textwrap.dedent("""
        from a.b.signals import paid
        def receive(**kwargs): ...
        paid.connect(receive, sender="web")
        paid == 1
        """)
    for name in ("receivers.py", "views.py"):
        (tmp_path / name).write_text(connecting)
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "signals.py").write_text(
        f"from clarion import Signal\nmake = eval('lambda: Signal()', {{'Signal': Signal}})\n{assigned}\n"
    )
    for order in ("receivers, views", "views, receivers"):
        program = f"import {order}; from a.b.signals import paid; print(paid.name)"
        assert run(program, tmp_path) == "a.b.signals.paid"


def test_without_a_source_the_name_does_not_depend_on_the_imports(monkeypatch):
    """Of several modules the one with the shortest path comes first, then by the alphabet."""
    for order in ("ab", "ba"):
        signal: Any = Signal()
        signal._table.home = None
        for name in order:
            module = ModuleType(name)
            module.held = signal  # type: ignore[attr-defined]
            monkeypatch.delitem(sys.modules, name, raising=False)
            monkeypatch.setitem(sys.modules, name, module)
        assert signal.name == "a.held"


def test_a_signal_of_a_framework_has_the_name_of_its_module(monkeypatch):
    """Also without the source, as in a program that is bundled."""

    class FrameworkSignal(Signal):
        __module__ = "framework.signals"

    signal: Any = FrameworkSignal()
    signal._table.home = None
    for name in ("a", "framework.db.signals"):
        module = ModuleType(name)
        module.held = signal  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, name, module)
    assert signal.name == "framework.db.signals.held"


def run(program, folder):
    """Run a program in a new interpreter, in a folder; return its output."""
    source = str(next(iter(clarion.__path__)))
    prelude = f"import sys; sys.path[:0] = [{str(folder)!r}, {source.removesuffix('clarion')!r}]; "
    command = [sys.executable, "-c", prelude + program]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_lazy_modules_are_not_searched(signal, monkeypatch):
    """A module of another type is not searched because it may load itself."""

    class Lazy(ModuleType):
        @property
        def __dict__(self):  # type: ignore[override]
            raise AssertionError("it was touched")

    monkeypatch.setitem(sys.modules, "lazy_module", Lazy("lazy_module"))
    assert "nameless" in signal.name
