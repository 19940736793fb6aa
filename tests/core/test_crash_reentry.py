"""Code that runs during a compiled send can do anything and crash nothing."""

import gc
import sys
import weakref
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from clarion import Signal, signal
from clarion._core import compiled, keywords
from clarion._core.route import Bucket
from clarion.policy import DeclaredPolicy, set_policy
from tests.core.receivers import Sender, answering, answers
from tests.twins import put


@pytest.fixture(autouse=True)
def implementation(monkeypatch):
    """Select the compiled sends: the Python functions cannot crash."""
    put(monkeypatch, "compiled")
    return "compiled"


@pytest.mark.parametrize("wrap", [lambda method: method, partial], ids=["itself", "a partial"])
def test_an_endless_send_is_a_recursion_error(wrap):
    """A signal that sends itself without an end raises RecursionError, even in compiled code."""

    @signal
    def round_and_round(sender: object) -> None: ...

    round_and_round.connect(wrap(round_and_round.send))
    with pytest.raises(RecursionError):
        round_and_round.send(None)


def test_an_endless_robust_send_ends():
    """A robust send that sends itself ends, because the innermost send is refused."""

    @signal
    def round_and_round(sender: object) -> None: ...

    class Silent(DeclaredPolicy):
        """A policy that logs nothing."""

        def log_failure(self, *args: object) -> None: ...

    set_policy(round_and_round, Silent((), {}))
    round_and_round.connect(round_and_round.send_robust)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(500)
    try:
        with suppress(RecursionError):
            round_and_round.send_robust(None)
    finally:
        sys.setrecursionlimit(limit)
    assert round_and_round.disconnect(round_and_round.send_robust)
    assert round_and_round.send_robust(None) == []


def test_the_table_may_change_while_it_is_read():
    """Code that runs during a send may replace everything that the send has read."""
    made: Any = Signal()
    table = made._table

    class Kind:
        """Changes the table when its attribute is read."""

        @property
        def watched(self):
            table.guard = None
            gc.collect()
            return 1

    class Key(int):
        """Changes the table when it is compared."""

        def __eq__(self, other):
            table.buckets = {}
            table.any_sender = None
            gc.collect()
            return False

        __hash__ = int.__hash__

    class Interfering(dict[Any, Any]):
        """Changes the table when a name is looked up."""

        def __missing__(self, key):
            table.keywords = keywords.ANY
            gc.collect()
            return ("sender", *key), (), False

    table.guard = (Kind(), "watched", 1)
    assert made.send(None) == []
    assert table.guard is None
    table.keywords = Interfering()
    assert made.has_listeners(None) is False
    with suppress(Exception):
        made.send(None)
    table.buckets = {Key(id(Sender)): Bucket(5, object)}
    with suppress(AttributeError):
        made.send(Sender)


def test_a_cached_entry_may_send_while_it_dies():
    """A cached entry may send while it is dropped."""

    class Interfering:
        """Sends when it dies."""

        def __del__(self):
            for _ in range(3):
                made.send(None, odd=1)

    made: Any = Signal()
    made.connect(answering(1))

    def send():
        made.send(None, odd=1)

    try:
        keywords.ANY[("odd",)] = (("sender", "odd", "signal"), (Interfering(),), False)
        with suppress(Exception):
            send()
        keywords.ANY.clear()
        for number in range(2000):
            scope: dict[str, Any] = {"made": made}
            exec(f"made.send(None, odd_{number}=1)", scope)  # noqa: S102
    finally:
        keywords.ANY.clear()
    assert answers(made.send(None, odd=1)) == [1]


def test_methods_in_a_cycle_are_collected():
    """The garbage collector frees compiled methods together with their class."""

    class Local(Signal):
        """A class that its own methods reference."""

        @compiled.twin_of
        def send(self, sender, **named):
            """Send, with a cell that references the class."""
            return super().send(sender, **named)

    gone = weakref.ref(Local), weakref.ref(vars(Local)["send"])
    assert gc.is_tracked(vars(Local)["send"])
    assert vars(Local)["send"] in gc.get_referrers(vars(Local)["send"].__wrapped__)
    del Local
    gc.collect()
    assert [ref() for ref in gone] == [None, None]
