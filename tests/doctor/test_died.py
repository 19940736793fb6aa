"""Receivers that were held weakly, and died."""

from textwrap import dedent

import pytest


def places(findings):
    """Return the codes and lines of findings, and the ends of their subjects."""
    return [(each.code, each.line, each.subject.partition(".receivers.")[2]) for each in findings]


PLANTED = {
    "a lambda": (
        "from tests.doctor.weak import saved\nsaved.connect(lambda **kwargs: None)",
        (2, "<lambda>"),
        "dies as soon as it is connected",
    ),
    "a lambda by another name of connect": (
        "from tests.doctor.weak import saved\nconnect = saved.connect\nconnect(lambda **kwargs: None)",
        (3, "<lambda>"),
        "dies as soon as it is connected",
    ),
    "a local function by another name of connect": (
        (
            "from tests.doctor.weak import saved\n"
            "connect = saved.connect\n"
            "def ready():\n"
            "    @connect\n"
            "    def handle(**kwargs): ...\n"
            "ready()"
        ),
        (4, "handle"),
        "is local, so it dies when ready() ends",
    ),
    "lambdas of a comprehension": (
        "from tests.doctor.weak import saved\n[saved.connect(lambda **kwargs: None) for _ in range(2)]",
        (2, "<lambda>"),
        "dies as soon as it is connected",
    ),
    "a lambda that asks for it": (
        "from clarion import Signal\npaid = Signal()\npaid.connect(lambda **kwargs: None, weak=True)",
        (3, "<lambda>"),
        "dies as soon as it is connected",
    ),
    "a local function": (
        (
            "def ready():\n"
            "    from tests.doctor.weak import saved\n"
            "    def handle(**kwargs): ...\n"
            "    saved.connect(handle)\n"
            "ready()"
        ),
        (4, "handle"),
        "is local, so it dies when ready() ends",
    ),
    "a local function with a decorator": (
        (
            "from clarion import receiver\n"
            "from tests.doctor import weak\n"
            "def ready():\n"
            "    @receiver(weak.saved)\n"
            "    def handle(**kwargs): ...\n"
            "ready()"
        ),
        (4, "handle"),
        "is local, so it dies when ready() ends",
    ),
    "two functions of one name": (
        (
            "from clarion import receiver\n"
            "from tests.doctor.weak import saved\n"
            "@receiver([saved])\n"
            "def handle(**kwargs): ...\n"
            "@receiver(saved)\n"
            "def handle(**kwargs): ...\n"
        ),
        (3, "handle"),
        "line 6 defines another one of this name",
    ),
    "a method of a new object": (
        (
            "from clarion import Signal\n"
            "class Mailer:\n"
            "    def send(self, **kwargs): ...\n"
            "paid = Signal()\n"
            "paid.connect(Mailer().send)"
        ),
        (5, "Mailer.send"),
        "nothing else holds its object",
    ),
    "a method of a local object": (
        (
            "from clarion import Signal\n"
            "class Mailer:\n"
            "    def send(self, **kwargs): ...\n"
            "paid = Signal()\n"
            "def start():\n"
            "    mailer = Mailer()\n"
            "    paid.connect(mailer.send)\n"
            "start()"
        ),
        (7, "mailer.send"),
        "its object is local, so it dies when start() ends",
    ),
    "a method of a deleted object": (
        (
            "from clarion import Signal\n"
            "class Mailer:\n"
            "    def send(self, **kwargs): ...\n"
            "paid = Signal()\n"
            "mailer = Mailer()\n"
            "paid.connect(receiver=mailer.send)\n"
            "del mailer"
        ),
        (6, "mailer.send"),
        "its object was deleted",
    ),
}


@pytest.mark.parametrize(("text", "place", "reason"), PLANTED.values(), ids=PLANTED)
def test_a_receiver_that_has_died(found, text, place, reason):
    """It is found at its line, with the reason and the cure."""
    [finding] = found(text)
    assert places([finding]) == [("W004", *place)]
    assert reason in finding.problem
    assert "weak=False" in finding.cure


@pytest.mark.parametrize("last", ["return Mailer()", "log.info('ready')", "app = Mailer()"])
def test_a_function_that_ends(found, last):
    """What it returns, logs or assigns after the connect does not keep the object."""
    start = PLANTED["a method of a local object"][0].replace("\nstart()", f"\n    {last}\n")
    assert places(found(start)) == [("W004", 7, "mailer.send")]


def test_two_receivers_of_one_object(found):
    """Each of them is found."""
    text = PLANTED["a method of a local object"][0].replace(
        "    paid.connect(mailer.send)\n",
        "    paid.connect(mailer.send)\n    paid.connect(mailer.send, sender='web')\n",
    )
    assert [each.line for each in found(text)] == [7, 8]


ALIVE = {
    "by another name of connect": "connect = saved.connect\ndef handle(**kwargs): ...\nconnect(handle)",
    "another connect in a function": (
        "connect = saved.connect\ndef ready(connect):\n    connect(lambda **kwargs: None)\nready(repr)"
    ),
    "another connect of a function": (
        "connect = saved.connect\ndef ready():\n    connect = len\n    connect([lambda: None])\nready()"
    ),
    "strong": "saved.connect(lambda **kwargs: None, weak=False)",
    "by position": "saved.connect(lambda **kwargs: None, None, False)",
    "unknown": "held = []\nsaved.connect(lambda **kwargs: None, **{'weak': False})",
    "by a name": "WEAK = False\nsaved.connect(lambda **kwargs: None, weak=WEAK)",
    "kept": "handle = lambda **kwargs: None\nsaved.connect(handle)",
    "a lambda of Clarion": "paid.connect(lambda **kwargs: None)",
    "a kept object": "mailer = Mailer()\npaid.connect(mailer.send)",
    "a kept method": "paid.connect(Mailer().send, weak=False)",
    "spent": "saved.connect(lambda **kwargs: None, once=True)",
    "returned": """
        def make():
            def handle(**kwargs): ...
            saved.connect(handle)
            return handle
        kept = make()
    """,
    "returned later": """
        def make():
            @receiver(saved)
            def handle(**kwargs): ...
            return handle
    """,
    "global": """
        def make():
            global handle
            @receiver(saved)
            def handle(**kwargs): ...
    """,
    "a parameter": """
        def add(handle):
            saved.connect(handle)
    """,
    "an attribute": """
        class Shop:
            def __init__(self):
                paid.connect(self.send)
            def send(self, **kwargs): ...
        shop = Shop()
    """,
    "a kept local object": """
        held = []
        def start():
            mailer = Mailer()
            paid.connect(mailer.send)
            held.append(mailer)
        start()
    """,
    "a function's object": "def mailer(): return Mailer()\npaid.connect(mailer().send)",
    "conditional": "if saved is None:\n    @receiver(saved)\n    def handle(**kwargs): ...\n",
    "in a comprehension": """
        class Button:
            def __init__(self, action):
                self.action = action
        def handle(**kwargs): ...
        buttons = [Button(handle)]
        [paid.connect(each.action, weak=True) for each in buttons]
    """,
    "in a main function": """
        def main():
            mailer = Mailer()
            paid.connect(mailer.send)
            serve()
        def serve(): ...
    """,
    "in a main function that returns": """
        def main():
            mailer = Mailer()
            paid.connect(mailer.send)
            return serve()
        def serve(): ...
    """,
    "a class with one object": """
        class One(Mailer):
            kept = Mailer()
            def __new__(cls):
                return cls.kept
        def start():
            paid.connect(One().send)
            one = One()
            paid.connect(one.send)
    """,
    "a metaclass with one object": """
        class Meta(type):
            kept = Mailer()
            def __call__(cls):
                return cls.kept
        class One(metaclass=Meta): ...
        def start():
            paid.connect(One().send)
    """,
    "a signal that is a parameter": """
        def start(saved):
            def handle(**kwargs): ...
            saved.connect(handle)
    """,
    "in an asynchronous main function": """
        async def main():
            @receiver(saved)
            def handle(**kwargs): ...
            return await serve()
        async def serve(): ...
    """,
    "while a block runs": """
        from contextlib import contextmanager
        @contextmanager
        def counted():
            @receiver(saved)
            def handle(**kwargs): ...
            yield
    """,
    "kept by another decorator": """
        import atexit
        def start():
            @atexit.register
            @receiver(saved)
            def handle(**kwargs): ...
    """,
    "in a block": """
        import contextlib
        with contextlib.nullcontext():
            @receiver(saved)
            def handle(**kwargs): ...
            handlers = [handle]
        def handle(): ...
    """,
    "only for a checker of types": """
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            saved.connect(lambda **kwargs: None)
    """,
    "no signal": "import sqlite3\nsqlite3.connect(':memory:').close()",
}

SETUP = """\
from clarion import Signal, receiver
from tests.doctor.weak import saved
paid = Signal()
class Mailer:
    def send(self, **kwargs): ...
"""


@pytest.mark.parametrize("text", ALIVE.values(), ids=ALIVE)
def test_a_receiver_that_lives(found, text):
    """Nothing is found if it lives, or if nothing shows that it has died."""
    assert found(SETUP + dedent(text)) == []
