"""Which signals an expression of a source file connects a receiver to."""

import sys
from functools import partial
from types import ModuleType

import pytest

from clarion import Signal, receiver
from clarion.doctor.source import Source

paid = Signal(name="connecting.paid")
sent = Signal(name="connecting.sent")
IMPORTS = f"from {__name__} import paid, sent, connect_paid, on_sent\nfrom clarion import receiver\nfrom functools import partial\n"

connect_paid = partial(paid.connect, weak=False)
on_sent = sent.connect


def found(text, name="connecting_file"):
    """Return the signals and the option `weak` of each receiver that a file connects."""
    source = Source.of(name, f"{name}.py", IMPORTS + text)
    return [([each.name for each in found.signals], found.weak) for found in source.connects]


@pytest.mark.parametrize(
    "text",
    [
        "connect = paid.connect\nconnect(mail)",
        "def wire():\n    connect = paid.connect\n    connect(mail)",
        "def wire():\n    connect = partial(paid.connect, sender=1)\n    connect(mail)",
        "connect = partial(paid.connect, sender=1)\nconnect(mail)",
        "partial(paid.connect, sender=1)(mail)",
        "first = paid.connect\nsecond = partial(first)\nsecond(mail)",
        "on_paid = receiver(paid)\n@on_paid\ndef mail(**kwargs): ...",
        "on_paid = paid.connect\n@on_paid\ndef mail(**kwargs): ...",
        "signal = paid\nsignal.connect(mail)",
        "def wire():\n    for each in (paid,):\n        each.connect(mail)",
        "SIGNALS = paid\n@receiver(SIGNALS)\ndef mail(**kwargs): ...",
    ],
)
def test_a_variable_is_followed(text):
    """Also in a file that was not imported, whose variables have no values."""
    assert found(text) == [(["connecting.paid"], None)]


def test_several_signals_of_a_loop():
    """Each of them gets the receiver."""
    assert found("for each in (paid, sent):\n    each.connect(mail)") == [
        (["connecting.paid", "connecting.sent"], None)
    ]


@pytest.mark.parametrize(
    ("text", "weak"),
    [
        ("partial(paid.connect, weak=True)(mail)", True),
        ("keep = partial(paid.connect, weak=False)\nkeep(mail)", False),
        ("keep = partial(paid.connect, weak=False)\nkeep(mail, weak=True)", True),
        ("connect_paid(mail)", "unknown"),
    ],
)
def test_the_options_of_a_partial(text, weak):
    """They count, unless the call gives them again. Those of an imported object are not read."""
    assert found(text) == [(["connecting.paid"], weak)]


@pytest.mark.parametrize(
    "text",
    [
        "signal = paid\nsignal = sent\nsignal.connect(mail)",
        "def wire(paid):\n    paid.connect(mail)",
        "def wire(connect):\n    connect(mail)",
        "connect = connect\nconnect(mail)",
        "partial(print, 1)(mail)",
        "connect = paid.disconnect\nconnect(mail)",
        "def wire():\n    paid = database()\n    paid.connect(mail)",
    ],
)
def test_what_is_not_known(text):
    """A variable that is set twice, a parameter and another function connect nothing that is known."""
    assert [signals for signals, _ in found(text) if signals] == []


def test_an_imported_name():
    """It is what the module has imported, also under another name."""
    assert found("on_sent(mail)") == [(["connecting.sent"], None)]
    module = ModuleType("connecting_here")
    vars(module).update(paid=sent, receiver=receiver)
    sys.modules["connecting_here"] = module
    try:
        assert found("paid.connect(mail)", "connecting_here") == [(["connecting.sent"], None)]
    finally:
        del sys.modules["connecting_here"]
