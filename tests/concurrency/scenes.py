"""Scenes for the test of leaks: each returns a function that does the same work each time."""

import gc
import itertools
from contextlib import suppress
from types import ModuleType
from typing import Any

from clarion import Signal, signal
from clarion._core import compiled, keywords
from tests.concurrency.failing import (
    Stubborn,
    answering_when_awaited,
    attempt,
    failing_to_log,
    failing_when_awaited,
    in_all_ways,
    refusing,
    silent,
    suspending,
)
from tests.concurrency.test_leaks import Listener, Sender, raising
from tests.core.receivers import answering
from tests.twins import NAMES


def receivers_that_answer():
    """Call several, some of them held weakly."""
    made: Any = silent()
    listener = Listener()
    made.connect(listener.method, inline=True)
    made.connect(answering(1), inline=True)
    made.connect(answering(2), sender=Sender, inline=True)
    made.keep = listener
    return in_all_ways(made)


def receivers_that_raise():
    """Raise, noted or logged."""
    made = silent()
    made.connect(raising, inline=True)
    return in_all_ways(made)


def receivers_that_take_no_notes():
    """Raise an error that no note can be put on."""

    def stubborn(**kwargs):
        raise Stubborn

    made = silent()
    made.connect(stubborn, inline=True)

    def work():
        for name in NAMES:
            with suppress(Stubborn):
                attempt(getattr(made, name), None)

    return work


def receivers_that_interrupt():
    """Raise what is no Exception."""

    def interrupt(**kwargs):
        raise KeyboardInterrupt

    made = silent()
    made.connect(answering(1), inline=True)
    made.connect(interrupt, inline=True)
    return in_all_ways(made)


def logging_that_fails():
    """Raise on, out of what was to log."""
    made = failing_to_log(LookupError)
    made.connect(answering(1), inline=True)
    made.connect(raising, inline=True)
    return in_all_ways(made)


def logging_that_is_interrupted():
    """Raise on what is no Exception."""
    made = failing_to_log(KeyboardInterrupt)
    made.connect(raising, inline=True)
    return in_all_ways(made)


def lone_receivers():
    """Await the only one."""
    made = silent()
    made.connect(answering_when_awaited)
    return in_awaited_ways(made)


def lone_receivers_that_are_held_weakly():
    """Await the only one, of an object that lives or has died."""
    made: Any = silent()
    listener = Listener()
    made.connect(listener.async_method)

    def work():
        for name in ("asend", "asend_robust"):
            attempt(getattr(made, name), None)
        dying = silent()
        dying.connect(Listener().async_method)
        attempt(dying.asend, None)

    return work


def lone_receivers_that_raise():
    """Raise when awaited."""
    made = silent()
    made.connect(failing_when_awaited)
    return in_awaited_ways(made)


def lone_receivers_that_cannot_be_called():
    """Raise when called, before there is anything to await."""
    made = silent()
    made.connect(refusing)
    return in_awaited_ways(made)


def lone_receivers_whose_failure_cannot_be_logged():
    """Raise out of what was to log, awaited or not."""
    made = failing_to_log(LookupError)
    made.connect(refusing)
    other = failing_to_log(LookupError)
    other.connect(failing_when_awaited)

    def work():
        attempt(made.asend_robust, None)
        attempt(other.asend_robust, None)

    return work


def in_awaited_ways(made):
    """Send in the ways that can be awaited without a loop."""

    def work():
        for name in ("asend", "asend_robust"):
            attempt(getattr(made, name), None, a=1)
            attempt(getattr(made, name), sender=None)

    return work


def never_awaited():
    """Drop what was to be awaited, close it before it began, throw into it."""
    made = silent()
    made.connect(suspending)

    def work():
        for name in ("asend", "asend_robust"):
            getattr(made, name)(None, a=1).close()
            with suppress(ValueError):
                getattr(made, name)(None, a=1).throw(ValueError("no"))
            begun = getattr(made, name)(None, a=1)
            begun.send(None)
            begun.close()
            thrown = getattr(made, name)(None, a=1)
            thrown.send(None)
            with suppress(ValueError, StopIteration):
                thrown.throw(ValueError("no"))
            dropped = getattr(made, name)(None, a=1)
            del dropped

    return work


def refused_sends():
    """Send without a sender, with two, with keywords that are not to be."""

    @signal
    def declared(sender: object, *, a: int, b: int = 1) -> None: ...

    made: Any = silent()

    def work():
        for each in (made, declared):
            for name in NAMES:
                method: Any = getattr(each, name)
                for given in ((), (None, None), (None,)):
                    attempt(method, *given, signal=1)
                    attempt(method, *given, a=1, unknown=2)
                    attempt(method, *given, sender=1)

    return work


def many_keywords():
    """Send more than the compiled send takes, just as many, and more than fit any more."""
    made = silent()
    made.connect(lambda **named: None, inline=True)
    named = [{f"k{number}": number for number in range(count)} for count in (29, 30, 31, 33, 60)]

    def work():
        for each in named:
            for name in ("send", "send_robust", "asend", "asend_robust"):
                attempt(getattr(made, name), None, **each)

    return work


def names_made_up():
    """Send by keywords that do not come back."""
    made = silent()
    made.connect(lambda **named: None, inline=True)
    numbers = itertools.count()

    def work():
        name = f"made_up_{next(numbers)}"
        keywords.ANY.clear()  # or there would be more of them at one time than at another
        made.send(None, **{name: 1})
        attempt(made.asend, None, **{name: 1})

    for _ in range(keywords.MOST):  # before 3.13 the names are held where they lie
        work()
    return work


def declared_signals():
    """Fill in what was left out."""

    @signal
    def declared(sender: object, *, a: int, b: object = 1) -> None: ...

    declared.connect(lambda sender, **named: named, inline=True)

    def work():
        for name in ("send", "send_robust", "asend", "asend_robust"):
            for named in ({"a": 1}, {"b": 2, "a": 1}, {"a": 1, "sender": 3}):
                given = () if "sender" in named else (None,)
                attempt(getattr(declared, name), *given, **named)

    return work


def weak_receivers_that_died():
    """Find nobody where somebody was."""

    def work():
        made, listener = silent(), Listener()
        made._table.finalizer = lambda died: None  # as if another thread were about to
        made.connect(listener.method, inline=True)
        made.connect(listener.method, sender=Sender, inline=True)
        assert len(made.send(Sender)) == 2
        del listener
        assert made.send(Sender) == []
        for name in NAMES:
            attempt(getattr(made, name), Sender)

    return work


def guarded_tables():
    """Look whether the place that a table watches holds what it did: yes, no, nothing at all."""
    made = silent()
    made.connect(answering(1), inline=True)
    watched = ModuleType("watched")
    vars(watched).update(expected=(expected := object()), other=object())
    send = in_all_ways(made)

    def work():
        for name in ("expected", "other", "missing"):
            made._table.guard = (watched, name, expected)
            send()

    return work


def slots_that_hold_nonsense():
    """Leave to Python what is not as it should be."""
    made = silent()
    made.connect(Listener().method, weak=False, inline=True)
    send = in_all_ways(made)
    table: Any = made._table

    def work():
        for slot, odd in (("keywords", 5), ("buckets", None), ("guard", ()), ("any_sender", 1)):
            before = getattr(table, slot)
            setattr(table, slot, odd)
            send()
            delattr(table, slot)
            send()
            setattr(table, slot, before)
        bare: Any = Signal.__new__(Signal)
        for name in NAMES:
            attempt(getattr(bare, name), None)
            attempt(getattr(Signal, name), 5, None)

    return work


def methods_by_hand():
    """Make methods, rightly and wrongly, look at them, and drop them."""
    method: Any = type(vars(Signal)["send"])
    function: Any = vars(Signal)["asend"].__wrapped__

    def work():
        for given in ((), (5,), (len, 5), (len, "no"), (vars(Signal)["send"], "send")):
            with suppress(TypeError, ValueError):
                method(*given)
        made = method(function, "asend", compiled._AWAITING["asend"])
        assert repr(made)
        assert made.__doc__
        assert made.__get__(None, Signal) is made
        with suppress(AttributeError):
            made.nothing_such  # noqa: B018
        with suppress(TypeError):
            made()
        begin = gc.get_referents(made)
        for each in begin:
            if type(each).__name__ == "builtin_function_or_method":
                for pair in ((), (5, 5), (("a",), ()), ((1,), (2, 3))):
                    with suppress(TypeError):
                        each(*pair)

    return work


SCENES = (
    *(receivers_that_answer, receivers_that_raise, receivers_that_take_no_notes),
    *(receivers_that_interrupt, logging_that_fails, logging_that_is_interrupted),
    *(lone_receivers, lone_receivers_that_are_held_weakly, lone_receivers_that_raise),
    *(lone_receivers_that_cannot_be_called, lone_receivers_whose_failure_cannot_be_logged),
    *(never_awaited, refused_sends, many_keywords, names_made_up, declared_signals),
    *(weak_receivers_that_died, guarded_tables, slots_that_hold_nonsense, methods_by_hand),
)
