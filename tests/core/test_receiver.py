"""@receiver connects the function that it decorates."""

import importlib
import sys
import warnings
from types import SimpleNamespace
from typing import Any

import pytest

from clarion import Signal, receiver
from clarion.errors import (
    ArgumentError,
    ConnectWarning,
    NotCallableError,
    SenderError,
    SignatureError,
    WeakReferenceError,
)
from tests.core.receivers import Sender, Slotted, answers, echo


def test_it_connects_and_returns_the_function(signal, send):
    """The decorated name is still the function, and the function is connected."""

    def function(value, **kwargs):
        return value

    assert receiver(signal)(function) is function
    assert send(signal, value=1) == [(function, 1)]


def test_several_signals_in_a_list_or_tuple(make):
    """A list or a tuple of signals connects the function to each of them."""
    signals = [make(), make(), make()]
    heard = []

    @receiver(signals[:2])
    @receiver(tuple(signals[2:]))
    def function(signal, **kwargs):
        heard.append(signal)

    for signal in signals:
        signal.send(None)
    assert heard == signals


def test_options_are_those_of_connect(signal, send):
    """Sender, priority and other options are passed to connect."""

    @receiver(signal, sender="web")
    def low(**kwargs):
        return "low"

    @receiver(signal, sender="web", priority=1)
    def high(**kwargs):
        return "high"

    assert answers(send(signal, "web")) == ["high", "low"]
    assert send(signal, "phone") == []


def test_it_can_be_stacked(signal):
    """One function may be connected to several senders, with one decorator each."""

    @receiver(signal, sender="web")
    @receiver(signal, sender="phone")
    def function(sender, **kwargs):
        return sender

    assert answers(signal.send("web")) == ["web"]
    assert answers(signal.send("phone")) == ["phone"]
    assert signal.send("shop") == []


def test_methods_of_classes_can_be_decorated(signal, send):
    """A static method is connected as the function that its class returns."""

    class Handlers:
        @receiver(signal)
        @staticmethod
        def static(value, **kwargs):
            return value

    assert send(signal, value=1) == [(Handlers.static, 1)]
    assert signal.disconnect(Handlers.static)
    assert not signal.has_listeners()


def test_an_async_static_method_is_awaited(signal, send):
    """A coroutine function in a static method is an async receiver."""

    class Handlers:
        @receiver(signal)
        @staticmethod
        async def static(value, **kwargs):
            return value

    assert answers(send(signal, value=1)) == [1]
    assert signal.disconnect(Handlers.static)


def narrow(sender):
    """Take fewer keywords than a send gives."""


@pytest.mark.parametrize(
    ("function", "options", "error"),
    [
        pytest.param(narrow, {}, SignatureError, id="signature"),
        pytest.param("text", {}, NotCallableError, id="not callable"),
        pytest.param(Slotted().method, {"weak": True}, WeakReferenceError, id="weak"),
        pytest.param(echo, {"sender": []}, SenderError, id="sender"),
        pytest.param(echo, {"colour": 1}, ArgumentError, id="argument"),
    ],
)
def test_a_refused_receiver_is_not_connected(make, function, options, error):
    """A receiver that one signal refuses is connected to none of them."""
    signals = [make(), make()]
    with pytest.raises(error):
        receiver(signals, **options)(function)
    assert not any(signal.has_listeners() for signal in signals)


def test_a_refusal_by_the_second_signal_undoes_the_first(make):
    """A refusal by the second signal undoes the first connect, and keeps earlier ones."""

    class Choosy(make):  # type: ignore[misc, valid-type]
        def connect(self, receiver, sender=None, **options):
            raise SenderError("not yours", sender)

    before, fresh, refusing = make(), make(), Choosy()
    before.connect(echo, sender=Sender)
    with pytest.raises(SenderError):
        receiver([before, fresh, refusing], sender=Sender)(echo)
    assert before.has_listeners(Sender)
    assert not fresh.has_listeners(Sender)


@pytest.mark.parametrize("mistake", [echo, None, "post_save", [echo], {1, 2}, Signal], ids=type)
def test_a_missing_signal_is_refused(mistake):
    """`@receiver` without a signal is refused, with the cure."""
    with pytest.raises(ArgumentError, match=r"not a signal.*@receiver\(signal\)"):
        receiver(mistake)


@pytest.mark.parametrize("signals", [[], ()], ids=["list", "tuple"])
def test_an_empty_list_is_refused(signals):
    """An empty list is refused because its receiver would never be called."""
    with pytest.raises(ArgumentError, match=r"empty list of signals\. Give at least one") as raised:
        receiver(signals)
    assert raised.value.names == ("signal",)


class Cell:
    """A module with one receiver, which can run again with other options."""

    def __init__(self, folder, monkeypatch):
        self.sent = Signal()
        self.called: list[Any] = []
        self._file = folder / "cell_of_a_test.py"
        shop = SimpleNamespace(sent=self.sent, called=self.called)
        monkeypatch.setitem(sys.modules, "shop_of_a_test", shop)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        monkeypatch.delitem(sys.modules, "cell_of_a_test", raising=False)

    def run(self, options="", name="note", around="if True"):
        """Run the module; return its warnings."""
        self._file.write_text(
            "from clarion import receiver\n"
            "from shop_of_a_test import called, sent\n"
            f"{around}:\n"
            f"    @receiver(sent{options})\n"
            f"    def {name}(sender, **kwargs): called.append(1)\n"
        )
        importlib.invalidate_caches()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            before = sys.modules.get("cell_of_a_test")
            self.module = importlib.reload(before) if before else self._load()
        assert {each.filename for each in caught} <= {str(self._file)}
        return [str(each.message) for each in caught if each.category is ConnectWarning]

    def _load(self):
        return importlib.import_module("cell_of_a_test")


@pytest.fixture
def cell(tmp_path, monkeypatch):
    """Return a module that can run again."""
    return Cell(tmp_path, monkeypatch)


@pytest.mark.parametrize("options", ["", ", sender='web'", ", once=True"])
def test_a_module_that_runs_again(cell, options):
    """Its earlier function stays connected, and a warning names the cure."""
    assert cell.run(options) == []
    (warning,) = cell.run(options)
    assert "an earlier function of this name stays connected, so both are called" in warning
    assert "replace=True" in warning
    cell.sent.send("web")
    assert cell.called == [1, 1]


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        (", dispatch_uid='n', replace=True", ", dispatch_uid='n', replace=True", "note"),
        (", weak=True", ", weak=True", "note"),
        (", sender='web'", ", sender='app'", "note"),
        ("", "", "_"),
    ],
    ids=["replaced", "weak", "other sender", "underscore"],
)
def test_a_module_that_runs_again_without_a_warning(cell, first, second, name):
    """No warning if the earlier function is replaced or freed, or has another sender or no name."""
    assert cell.run(first, name) == cell.run(second, name) == []


def test_a_loop_that_connects_several_functions(cell):
    """No warning: they have one name, and all of them are meant."""
    assert cell.run(around="for _ in range(3)") == []
    cell.sent.send("web")
    assert cell.called == [1, 1, 1]


def test_a_disconnected_function_of_the_same_name(cell):
    """No warning if the earlier function was disconnected."""
    cell.run()
    cell.sent.disconnect(cell.module.note)
    assert cell.run() == []
