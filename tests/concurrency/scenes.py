"""Scenes for the leak tests: each returns a function that repeats the same work."""

import gc
import itertools
from contextlib import suppress
from types import ModuleType
from typing import Any

from clarion import Signal, signal
from clarion._core import compiled, keywords
from tests.concurrency.failing import (
    NoteRefused,
    answering_when_awaited,
    attempt,
    failing_to_log,
    failing_when_awaited,
    in_every_send,
    silent,
    suspending,
    uncallable,
)
from tests.concurrency.test_leaks import Listener, Sender, raising
from tests.core.receivers import answering
from tests.twins import NAMES


def responding_receivers():
    """Call several receivers, one of them held weakly."""
    made: Any = silent()
    listener = Listener()
    made.connect(listener.method, inline=True)
    made.connect(answering(1), inline=True)
    made.connect(answering(2), sender=Sender, inline=True)
    made.keep = listener
    return in_every_send(made)


def raising_receivers():
    """Raise an ordinary error, which a send notes or logs."""
    made = silent()
    made.connect(raising, inline=True)
    return in_every_send(made)


def errors_without_notes():
    """Raise an error that cannot take a note."""

    def without_notes(**kwargs):
        raise NoteRefused

    made = silent()
    made.connect(without_notes, inline=True)

    def work():
        for name in NAMES:
            with suppress(NoteRefused):
                attempt(getattr(made, name), None)

    return work


def interrupting_receivers():
    """Raise an error that is not an `Exception`."""

    def interrupt(**kwargs):
        raise KeyboardInterrupt

    made = silent()
    made.connect(answering(1), inline=True)
    made.connect(interrupt, inline=True)
    return in_every_send(made)


def failing_logging():
    """Raise from the call that logs a failure."""
    made = failing_to_log(LookupError)
    made.connect(answering(1), inline=True)
    made.connect(raising, inline=True)
    return in_every_send(made)


def interrupted_logging():
    """Raise an error that is not an `Exception` from the call that logs."""
    made = failing_to_log(KeyboardInterrupt)
    made.connect(raising, inline=True)
    return in_every_send(made)


def single_async_receiver():
    """Await the only receiver."""
    made = silent()
    made.connect(answering_when_awaited)
    return in_every_async_send(made)


def single_weak_async_receiver():
    """Await the only receiver, whose object is alive or dead."""
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


def single_failing_async_receiver():
    """Raise in the only receiver when it is awaited."""
    made = silent()
    made.connect(failing_when_awaited)
    return in_every_async_send(made)


def single_uncallable_async_receiver():
    """Raise when the only receiver is called, before there is a coroutine."""
    made = silent()
    made.connect(uncallable)
    return in_every_async_send(made)


def single_async_receiver_with_failing_logging():
    """Raise from the logging of a failed call, and of a failed coroutine."""
    made = failing_to_log(LookupError)
    made.connect(uncallable)
    other = failing_to_log(LookupError)
    other.connect(failing_when_awaited)

    def work():
        attempt(made.asend_robust, None)
        attempt(other.asend_robust, None)

    return work


def in_every_async_send(made):
    """Return a function that awaits the async sends without an event loop."""

    def work():
        for name in ("asend", "asend_robust"):
            attempt(getattr(made, name), None, a=1)
            attempt(getattr(made, name), sender=None)

    return work


def unawaited_sends():
    """Drop a coroutine, close it before it starts, and throw into it."""
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
    """Send without a sender, with two senders, and with keywords that are refused."""

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
    """Send as many keywords as the compiled sends take, fewer, and more."""
    made = silent()
    made.connect(lambda **named: None, inline=True)
    named = [{f"k{number}": number for number in range(count)} for count in (29, 30, 31, 33, 60)]

    def work():
        for each in named:
            for name in ("send", "send_robust", "asend", "asend_robust"):
                attempt(getattr(made, name), None, **each)

    return work


def unique_keywords():
    """Send each time with a keyword that is used once only."""
    made = silent()
    made.connect(lambda **named: None, inline=True)
    numbers = itertools.count()

    def work():
        name = f"made_up_{next(numbers)}"
        keywords.ANY.clear()  # so that the cache has the same size in each round
        made.send(None, **{name: 1})
        attempt(made.asend, None, **{name: 1})

    for _ in range(keywords.MOST):  # before 3.13 the cached names are never freed
        work()
    return work


def declared_signals():
    """Send with and without the defaults of a declared signal."""

    @signal
    def declared(sender: object, *, a: int, b: object = 1) -> None: ...

    declared.connect(lambda sender, **named: named, inline=True)

    def work():
        for name in ("send", "send_robust", "asend", "asend_robust"):
            for named in ({"a": 1}, {"b": 2, "a": 1}, {"a": 1, "sender": 3}):
                given = () if "sender" in named else (None,)
                attempt(getattr(declared, name), *given, **named)

    return work


def dead_weak_receivers():
    """Send to receivers that have died but are still registered."""

    def work():
        made, listener = silent(), Listener()
        made._table.finalizer = lambda died: None  # as if another thread were about to remove it
        made.connect(listener.method, inline=True)
        made.connect(listener.method, sender=Sender, inline=True)
        assert len(made.send(Sender)) == 2
        del listener
        assert made.send(Sender) == []
        for name in NAMES:
            attempt(getattr(made, name), Sender)

    return work


def guarded_tables():
    """Compare the guarded attribute with an equal object, another one, and none."""
    made = silent()
    made.connect(answering(1), inline=True)
    watched = ModuleType("watched")
    vars(watched).update(expected=(expected := object()), other=object())
    send = in_every_send(made)

    def work():
        for name in ("expected", "other", "missing"):
            made._table.guard = (watched, name, expected)
            send()

    return work


def wrong_slots():
    """Put wrong objects into the slots, so that the compiled sends call Python."""
    made = silent()
    made.connect(Listener().method, weak=False, inline=True)
    send = in_every_send(made)
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


def compiled_methods():
    """Create compiled methods with right and wrong arguments, inspect and drop them."""
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
    *(responding_receivers, raising_receivers, errors_without_notes),
    *(interrupting_receivers, failing_logging, interrupted_logging),
    *(single_async_receiver, single_weak_async_receiver, single_failing_async_receiver),
    *(single_uncallable_async_receiver, single_async_receiver_with_failing_logging),
    *(unawaited_sends, refused_sends, many_keywords, unique_keywords, declared_signals),
    *(dead_weak_receivers, guarded_tables, wrong_slots, compiled_methods),
)
