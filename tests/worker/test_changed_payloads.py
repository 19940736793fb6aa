"""A payload that no longer fits the program dies with its reason, and stops nothing else."""

from dataclasses import dataclass

import pytest

from clarion import durable, signal
from clarion.outbox import store, use_database
from clarion.testing import restored
from tests.worker.stage import worker


@dataclass
class Line:
    """A line of an order, in the old program."""

    item: str
    count: int


@dataclass
class Renamed:
    """The same line in the new program."""

    item: str
    number: int


def old(sender: object, *, n: int, text: str, line: Line) -> None:
    """The signal of the program that has sent."""


def retyped(sender: object, *, n: str, text: str, line: Line) -> None:
    """A keyword has another type."""


def renamed(sender: object, *, n: int, text: str, line: Renamed) -> None:
    """A field of a record has another name."""


def added(sender: object, *, n: int, text: str, line: Line, fresh: int) -> None:
    """There is one more keyword, without a default."""


def removed(sender: object, *, n: int) -> None:
    """Two keywords are gone."""


def defaulted(sender: object, *, n: int, text: str, line: Line, fresh: int = 3) -> None:
    """There is one more keyword, with a default."""


def sent(stage):
    """Store a send of the old program to two receivers, with a key and without one."""
    with restored():
        declared = signal(name="shop.changed")(old)
        for name, key in (("keyed", "n"), ("plain", None)):
            declared.connect(lambda **_: None, weak=False, delivery=durable(name=name, key=key))
        before = use_database(stage.database)
        try:
            declared.send(None, n=1, text="x", line=Line("pen", 2))
        finally:
            use_database(before)


def connected(function):
    """Connect the receivers of the new program; return the signal, and what they get."""
    declared, seen = signal(name="shop.changed")(function), []
    for name, key in (("keyed", "n"), ("plain", None)):
        declared.connect(
            lambda **given: seen.append(given),
            weak=False,
            delivery=durable(name=name, key=key, retries=0),
        )
    return declared, seen


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (retyped, "Expected `str`, got `int` - at `$.n`. Register an upcaster"),
        (renamed, "missing required field `number` - at `$.line`. Register an upcaster"),
        (added, "has no fresh, which the signal declares. Declare a default, or register"),
    ],
)
def test_it_dies_with_the_reason(stage, paid, function, reason):
    """Another receiver gets its delivery, and a mended program makes the dead ones."""
    others = []
    paid.connect(lambda n, **_: others.append(n), weak=False, delivery=durable(name="other"))
    sent(stage)
    stage.send(paid, [{"n": 1}])
    with restored():
        _declared, seen = connected(function)
        worker(stage).drain()
    assert (seen, others) == ([], [1])
    dead = stage.dead()
    assert {each.receiver for each in dead} == {"keyed", "plain"}
    for each in dead:
        assert each.error.startswith("Traceback")
        assert reason in each.error
    with stage.connected() as connection, connection.transaction():
        for each in dead:
            store.requeue(connection, each.id)
    with restored():
        _declared, seen = connected(defaulted)
        worker(stage).drain()
    assert [each["fresh"] for each in seen] == [3, 3]
    assert stage.waiting() == (0, 0)


def test_what_the_signal_does_not_declare_any_more_is_left_out(stage):
    """So a keyword can be removed while its sends wait."""
    sent(stage)
    with restored():
        _declared, seen = connected(removed)
        worker(stage).drain()
    assert [sorted(each) for each in seen] == [["n", "sender"]] * 2
    assert stage.waiting() == (0, 0)
