"""What a source file connects."""

import ast
import json
import sys
from textwrap import dedent

import pytest

from clarion import Signal, receiver
from clarion.doctor.source import Source, is_of_interest

paid = Signal()


class Shop:
    """Holds a signal."""

    opened = Signal()

    @property
    def closed(self):
        """Never run."""
        raise AssertionError


shop = Shop()


def source(text, name=__name__):
    """Return the source of a text that is in this module, or in another one."""
    return Source.of(name, "shop.py", dedent(text))


def expression(text):
    """Return the node of an expression."""
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@receiver(paid)", True),
        ("@clarion.receiver(paid)", True),
        ("paid.connect(mail)", True),
        ("with bound(session):", True),
        ("disconnect", False),
        ("receiver = 3", False),
    ],
)
def test_which_texts_are_parsed(text, expected):
    """Only those that may connect receivers or bind sessions."""
    assert is_of_interest(text) == expected


def test_names_are_looked_up_without_running_code():
    """In the module, in its imports, in classes and in modules."""
    here = source("import json.decoder\nimport json as other\nfrom json import loads as read")
    assert here.lookup(expression("paid")) is paid
    assert here.lookup(expression("Shop.opened")) is Shop.opened
    assert here.lookup(expression("receiver")) is receiver
    assert here.lookup(expression("shop.closed")) is None
    assert here.lookup(expression("json.loads")) is json.loads
    assert here.lookup(expression("other.loads")) is json.loads
    assert here.lookup(expression("read")) is json.loads
    assert here.lookup(expression("json.nothing")) is None
    assert here.lookup(expression("nothing")) is None
    assert here.lookup(expression("paid()")) is None


def test_a_submodule_is_found_by_its_package():
    """Also if the package has no variable of its name."""
    name = "tests_of_a_package"
    sys.modules.update({name: type(sys)(name), f"{name}.inner": type(sys)(f"{name}.inner")})
    try:
        found = source(f"from {name} import inner").lookup(expression("inner"))
        assert found is sys.modules[f"{name}.inner"]
    finally:
        del sys.modules[name], sys.modules[f"{name}.inner"]


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("mail.py", "from . import a", {"shop.orders", "shop.orders.a"}),
        ("mail.py", "from .b import a", {"shop.orders.b", "shop.orders.b.a"}),
        ("mail.py", "from ..b import a", {"shop.b", "shop.b.a"}),
        ("mail/__init__.py", "from .b import a", {"shop.orders.mail.b", "shop.orders.mail.b.a"}),
        ("mail.py", "import a.b, c", {"a.b", "c"}),
        ("mail.py", "from a import *", {"a", "a.*"}),
    ],
)
def test_imported_modules(file, text, expected):
    """Relative imports have their whole names."""
    found = Source.of("shop.orders.mail", file, text).imported_modules()
    assert set(found) == expected


def connects(text):
    """Return the line, the signals, `weak` and more of each call that connects."""
    return [
        (each.line, each.signals, each.weak, each.is_once, each.scope is None, each.is_conditional)
        for each in source(text).connects
    ]


def test_calls_and_decorators():
    """Each is found once, with its line and options."""
    assert connects(
        """
        @receiver(paid, weak=True)
        def a(**k): ...
        @receiver([paid, Shop.opened], once=True)
        @paid.connect
        @Shop.opened.connect(weak=WEAK)
        def b(**k): ...
        paid.connect(b, None, False)
        with open("x"):
            if a:
                paid.connect(receiver=a, **options)
        def c():
            @receiver(signal=paid)
            def d(**k): ...
        @receiver(unknown)
        @other.connect
        @unknown
        def e(**k): ...
        other.connect(a)
        paid.connect()
        paid.send(a)
        """
    ) == [
        (2, (paid,), True, False, True, False),
        (4, (paid, Shop.opened), None, True, True, False),
        (4, (paid,), None, False, True, False),
        (4, (Shop.opened,), "unknown", False, True, False),
        (8, (paid,), False, False, True, False),
        (11, (paid,), "unknown", False, True, True),
        (13, (paid,), None, False, False, False),
        (15, (), None, False, True, False),
    ]


def test_weak_is_none_if_it_is_written_so():
    """As if it were left out."""
    [(_, _, weak, *_)] = connects("paid.connect(print, weak=None)")
    assert weak is None
    [(_, _, weak, *_)] = connects("paid.connect(print, weak=1)")
    assert weak == "unknown"
