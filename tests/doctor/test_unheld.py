"""Objects that connect a method of their own, and that nothing holds."""

from textwrap import dedent

import pytest

SHOP = """\
from clarion import Signal
paid = Signal()
class Base: ...
held = []
class Shop:
    def __init__(self):
        self.orders = []
        paid.connect(self.note)
    def note(self, **kwargs): ...
"""

UNHELD = {
    "at the top level": ("Shop()", 10),
    "in a function": ("def start():\n    Shop()\nstart()", 11),
    "in a function that has not run": ("def start():\n    Shop()", 11),
}


@pytest.mark.parametrize(("text", "line"), UNHELD.values(), ids=UNHELD)
def test_an_object_that_nothing_holds(found, text, line):
    """It is found at the connect, and the text names the line that creates the object."""
    [finding] = found(SHOP + text)
    assert (finding.code, finding.line) == ("W004", 8)
    assert finding.subject.endswith("receivers.Shop.note")
    assert (
        f"is held weakly, and nothing holds the object that line {line} creates." in finding.problem
    )


HELD = {
    "kept": ("", "", "shop = Shop()"),
    "kept beside another": ("", "", "shop = Shop()\nShop()"),
    "returned": ("", "", "def make():\n    return Shop()"),
    "never made": ("", "", ""),
    "with a base": ("class Shop:", "class Shop(Base):", "Shop()"),
    "given away": ("self.orders = []", "held.append(self)", "Shop()"),
    "with another of its methods": ("self.orders = []", "held.append(self.note)", "Shop()"),
    "in a closure": ("self.orders = []", "held.append(lambda: self.orders)", "Shop()"),
    "decorated": ("class Shop:", "@lambda found: held.append(found()) or found\nclass Shop:", ""),
    "of another object": (
        "paid.connect(self.note)",
        "other = make()\n        paid.connect(other.note)",
        "def make(): ...\ndef start():\n    Shop()",
    ),
    "held strongly": ("(self.note)", "(self.note, weak=False)", "Shop()"),
    "in a method": ("__init__(self)", "start(self)", "Shop()"),
    "without a parameter": ("__init__(self):", "__init__(*all):\n        self = all[0]", "Shop()"),
    "of a function": ("", "", "def make(): return Shop()\nmake()"),
}


@pytest.mark.parametrize(("old", "new", "text"), HELD.values(), ids=HELD)
def test_an_object_that_may_be_held(found, old, new, text):
    """Nothing is found if something may hold the object."""
    assert found(dedent(SHOP.replace(old, new, 1) + text)) == []
