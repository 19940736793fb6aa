"""Wrong objects in the slots that a compiled send reads crash nothing."""

import asyncio
import gc
import itertools
import weakref
from contextlib import closing, contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import pytest

from clarion import Signal
from clarion._core import compiled, keywords
from clarion._core.registration import Registration
from clarion._core.route import Bucket, Route
from clarion._core.table import Table
from tests.core.receivers import Listener, Sender, answering_async
from tests.twins import NAMES, put

# What stands for "nothing": the slot is emptied.
EMPTY = object()


# What a slot may hold instead of what should be there. Two of them look right at first.
ODD: list[Any] = [
    *(EMPTY, None, 5, "text", True, object(), Signal, len, lambda *args: None),
    *((), (1,), (None, None, None), (Listener, "missing", None), [], {}, {0: 1}, set(), {1}),
    *((("sender", 1), (), True), (("sender", "signal"), [], True), (((),), (), False)),
    *(keywords.ANY, {(): (("sender", "signal"), (), True)}, {(): ((1, 2), (), True)}, {(): 5}),
    *(weakref.ref(Sender), Bucket(None, object), Route([]), Registration().fill(len), Table()),
    SimpleNamespace(route=None, live=5),
]


@pytest.fixture(autouse=True)
def implementation(monkeypatch):
    """What is written in C is tested here; the functions in Python cannot crash."""
    put(monkeypatch, "compiled")
    return "compiled"


def attempt(method, *given, **named):
    """Call a method, take the first step of what it has to be awaited for, whatever comes of it."""
    with suppress(Exception):
        result = method(*given, **named)
        if asyncio.iscoroutine(result):
            with closing(result):
                result.send(None)


def send_all(sent):
    """Send in all ways that begin differently."""
    for name, sender in itertools.product(NAMES, (None, Sender, Listener(), "text")):
        method = getattr(Signal, name)
        for names in ((), ("a",), ("b", "a"), ("signal",)):
            attempt(method, sent, sender, **dict.fromkeys(names, 1))
        attempt(method, sent, sender=sender)
        attempt(method, sent, sender, sender=sender)


def heard_by(*kinds):
    """Make a signal with receivers of these kinds; return it and who holds its receivers."""
    made: Any = Signal()
    listener = Listener()
    for kind in kinds:
        made.connect(getattr(listener, kind), inline=True)
    made.connect(listener.method, sender=listener, inline=True)
    return made, listener


SCENES = (
    *((), ("method",), ("class_method", "method"), ("async_method",)),
    ("__call__", "async_method"),
)


# What a send reads by itself, and so must not trust.
READ = {
    Table: ("any_sender", "buckets", "subclass_registrations", "guard", "keywords"),
    Bucket: ("route",),
    Route: ("is_inline", "is_simple", "single_async", "strong_receivers", "registrations"),
    Registration: ("_function", "_receiver", "_reference"),
}


@contextmanager
def spoilt(owner, slot, odd):
    """Have something else in a slot."""
    before = getattr(owner, slot)
    try:
        if odd is EMPTY:
            delattr(owner, slot)
        else:
            setattr(owner, slot, odd)
        yield
    finally:
        setattr(owner, slot, before)


def places(made):
    """Name the slots that a send reads, of a signal that has been sent."""
    table = made._table
    route = table.find_route(None)
    parts = (table, table.any_sender, route, *route.registrations)
    return [(made, "_table"), *((part, slot) for part in parts for slot in READ[type(part)])]


@pytest.mark.parametrize("kinds", SCENES, ids=",".join)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_any_slot_may_hold_anything(kinds):
    """Whatever is put where a send looks, the send raises or does without."""
    for place in range(len(places(heard_by(*kinds)[0]))):
        made, listener = heard_by(*kinds)
        owner, slot = places(made)[place]
        for odd in ODD:
            with spoilt(owner, slot, odd):
                for sender in (None, listener, Sender):
                    for name in NAMES:
                        attempt(getattr(Signal, name), made, sender)


@pytest.mark.parametrize("slot", READ[Table])
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_a_table_may_hold_anything_in_every_kind_of_send(slot):
    """What a send reads first, for every way of writing one."""
    made, _ = heard_by("method")
    for odd in ODD:
        with spoilt(made._table, slot, odd):
            send_all(made)


def test_a_signal_without_a_table():
    """What no `__init__` has been run of has nobody who listens, and says what it lacks."""
    bare: Any = Signal.__new__(Signal)
    for name in ("send", "send_robust", "has_listeners"):
        with pytest.raises(AttributeError, match="_table"):
            getattr(bare, name)(None)
    for name in ("asend", "asend_robust"):
        with pytest.raises(AttributeError, match="_table"):
            asyncio.run(getattr(bare, name)(None))


@pytest.mark.parametrize("owner", [5, None, object(), Table(), Signal, SimpleNamespace(_table=5)])
def test_who_is_no_signal_has_no_sends(owner):
    """The methods, called on something else, raise as any method does."""
    for name in NAMES:
        method: Any = getattr(Signal, name)
        with pytest.raises((AttributeError, TypeError)):
            asyncio.run(begun) if asyncio.iscoroutine(begun := method(owner, None)) else begun


@pytest.mark.parametrize(
    "arguments",
    [
        *((), (5,), (len, 5), (len, "open"), (len, ""), (len, "send\0"), (len, "send", 1, 2)),
        (vars(Signal)["send"], "send"),  # one in another in another would have no ground
    ],
)
def test_a_method_is_made_of_a_function_and_a_known_name(arguments):
    """Everything else is refused."""
    method: Any = type(vars(Signal)["send"])
    with pytest.raises((TypeError, ValueError)):
        method(*arguments)


def test_a_method_of_what_cannot_be_called():
    """It is made, and cannot be called either."""
    method: Any = type(vars(Signal)["send"])
    for name in NAMES:
        made = method(5, name)
        assert repr(made) == "<compiled 5>"
        for given in ((), (Signal(),), (Signal(), None)):
            if given[1:] and name != "has_listeners" and not name.startswith("a"):
                assert made(*given) == []  # it is asked only where there is more to do
            elif given[1:] and name == "has_listeners":
                assert made(*given) is False
            else:
                with pytest.raises(TypeError):
                    made(*given)


class TestBegin:
    """What the coroutine functions of compiled.py are handed."""

    @pytest.fixture
    def begin(self, monkeypatch):
        """Take it out of a send."""
        taken: list[Any] = []
        function: Any = vars(Signal)["asend"].__wrapped__

        def take(begin, names, values):
            taken.append(begin)

        monkeypatch.setitem(compiled._AWAITING, "asend", take)
        compiled.twin_of(function)(Signal(), None)
        return taken.pop()

    @pytest.mark.parametrize(
        "given",
        [
            *((), ((),), (5, 5), ((), ()), (("a",), ()), (("a",), (1,)), ((), [1]), ([], (1,))),
            *(((1,), (Signal(), 1)), ((), (1,), 5), (None, None), ("ab", (1, 2, 3))),
        ],
    )
    def test_it_refuses_what_is_no_send(self, begin, given):
        """Other than two tuples, the values at least the signal and those of the names."""
        with pytest.raises(TypeError, match="two tuples"):
            begin(*given)

    @pytest.mark.parametrize("given", [((), (5,)), (("a",), (5, 1)), (("a", "a"), (5, 6, 1, 2))])
    def test_it_raises_as_a_send_does(self, begin, given):
        """Two tuples that are no send either."""
        with pytest.raises((AttributeError, TypeError)):
            asyncio.run(begin(*given)[1])

    def test_it_sends_when_it_is_called_by_itself(self, begin):
        """It is no secret, and does what it says."""
        made: Any = Signal()
        assert begin((), (made, None)) == []
        made.connect(len_of := answering_async(3))
        receiver, coroutine = begin(("a",), (made, None, 1))
        assert receiver is len_of
        assert asyncio.run(coroutine) == 3

    def test_it_outlives_its_method(self, begin):
        """It holds what it needs."""
        gc.collect()
        assert begin((), (Signal(), None)) == []


def test_an_instrument_that_is_none():
    """What is attached past `attach` breaks the send, not the interpreter."""
    made: Any = Signal()
    made._table.instruments = (5,)
    made._table.forget_routes()
    with pytest.raises(AttributeError):
        made.send(None)
