"""A file that runs as the main module, and is imported by another module, too."""

import sys
import warnings
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import pytest

from clarion import Signal
from clarion._core import main_copy, names, registry
from clarion._core.tabled import table_of

SHOP = """
from functools import partial
from clarion import Signal, signal
paid = Signal()
@signal
def declared(sender, *, amount=0): ...
class Order:
    shipped = Signal()
def own(sender, **kwargs): ...
for each in (paid, declared, Order.shipped):
    each.connect(own)
    each.connect(partial(own), weak=False)
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs SHOP under a name."""
    monkeypatch.setattr(main_copy, "_imported", "")
    earlier = {id(each) for each in registry.signals()}

    def run_as(name, file="shop.py"):
        path = tmp_path / file
        path.write_text(SHOP)
        spec = spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        for each in {name, name.replace("mp_", "")}:
            monkeypatch.setitem(sys.modules, each, module)
        spec.loader.exec_module(module)
        return module

    yield run_as
    for each in registry.signals():  # those of another test have the same names
        if id(each) not in earlier:
            registry.remove(each)


def other(sender, **kwargs):
    """Do nothing: a receiver of another module."""


def get(module, path):
    """Return the signal of a module with a dotted name."""
    for each in path.split("."):
        module = getattr(module, each)
    return module


@pytest.mark.parametrize("path", ["paid", "declared", "Order.shipped"])
@pytest.mark.parametrize("main", ["__main__", "__mp_main__"])
def test_a_missed_receiver(run, main, path):
    """The first send that misses a receiver of another module gives a warning at its line, the next ones none."""
    sending = get(run(main), path)
    connected = get(run("shop"), path)
    sending.send(None)
    connected.connect(other)
    with pytest.warns(RuntimeWarning) as caught:
        sending.send(None)
    [warning] = caught
    place = f"{__name__}.other ({__file__}:{other.__code__.co_firstlineno})"
    assert str(warning.message) == (
        f"Receiver {place} is connected to signal shop.{path}, and no send of signal {main}.{path} calls it: the file "
        f"of the main module was imported as shop, too, so each of its signals exists twice. Define the signals in "
        f"another module, which is only imported."
    )
    assert warning.filename == __file__
    sending.send(None)
    connected.send(None)


def test_a_receiver_of_the_main_module(run):
    """A receiver that only the main module connects is missed by the sends of the imported one."""
    run("__main__").paid.connect(other)
    with pytest.warns(RuntimeWarning, match="no send of signal shop.paid calls it"):
        run("shop").paid.send(None)


def test_a_signal_that_is_created_after_the_import(run, monkeypatch):
    """The main module may import the other module before it creates its signals."""
    main = ModuleType("__main__")
    main.__file__ = run("other").__file__
    monkeypatch.setitem(sys.modules, "__main__", main)
    run("shop").paid.connect(other)
    with pytest.warns(RuntimeWarning, match="signal shop.paid"):
        run("__main__").paid.send(None)


def test_the_same_receivers(run):
    """Receivers that the file itself connects are connected to both signals, so none is missed."""
    modules = run("__main__"), run("shop")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for module in modules:
            assert len(module.paid.send(None)) == len(module.declared.send(None)) == 2


def test_other_files_are_not_watched(run):
    """Neither the signals of another file, nor those of a main module that was not imported, are watched."""
    found = [run("__main__"), run("market", "market.py")]
    assert [table_of(each.paid).instruments for each in found] == [(), ()]


def test_nameless_signals_cost_one_search(run, monkeypatch):
    """The first send searches all modules once for the names of other signals, however many live."""
    sending = run("__main__").paid
    run("shop")
    nameless = [Signal() for _ in range(20)]
    searched, modules = list[str | None](), names._modules

    def search(name):
        searched.append(name)
        return modules(name)

    monkeypatch.setattr(names, "_modules", search)
    sending.send(None)
    assert searched.count(None) == 1
    assert {names.signal_name(each) for each in nameless} == {f"nameless Signal made in {__name__}"}
