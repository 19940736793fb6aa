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

# The slot is deleted.
EMPTY = object()


# Wrong contents of a slot. Two of them look right at first.
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
    """Select the compiled sends: the Python functions cannot crash."""
    put(monkeypatch, "compiled")
    return "compiled"


def attempt(method, *given, **named):
    """Call a method and run the first step of its coroutine; ignore errors."""
    with suppress(Exception):
        result = method(*given, **named)
        if asyncio.iscoroutine(result):
            with closing(result):
                result.send(None)


def send_all(sent):
    """Send with every kind of argument."""
    for name, sender in itertools.product(NAMES, (None, Sender, Listener(), "text")):
        method = getattr(Signal, name)
        for names in ((), ("a",), ("b", "a"), ("signal",)):
            attempt(method, sent, sender, **dict.fromkeys(names, 1))
        attempt(method, sent, sender=sender)
        attempt(method, sent, sender, sender=sender)


def signal_with(*kinds):
    """Return a signal with receivers of these kinds, and the owner of its receivers."""
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


# The slots that a compiled send reads and must not trust.
READ = {
    Table: ("any_sender", "buckets", "subclass_registrations", "guard", "keywords"),
    Bucket: ("route",),
    Route: ("is_inline", "is_simple", "single_async", "strong_receivers", "registrations"),
    Registration: ("_function", "_receiver", "_reference"),
}


@contextmanager
def replaced(owner, slot, odd):
    """Put a wrong object into a slot for a block."""
    before = getattr(owner, slot)
    try:
        if odd is EMPTY:
            delattr(owner, slot)
        else:
            setattr(owner, slot, odd)
        yield
    finally:
        setattr(owner, slot, before)


def slots_of(made):
    """Return the slots that a send reads, of a signal that has sent."""
    table = made._table
    route = table.find_route(None)
    parts = (table, table.any_sender, route, *route.registrations)
    return [(made, "_table"), *((part, slot) for part in parts for slot in READ[type(part)])]


@pytest.mark.parametrize("kinds", SCENES, ids=",".join)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_any_slot_may_hold_anything(kinds):
    """A send with a wrong object in any slot raises an error or ignores it."""
    for place in range(len(slots_of(signal_with(*kinds)[0]))):
        made, listener = signal_with(*kinds)
        owner, slot = slots_of(made)[place]
        for odd in ODD:
            with replaced(owner, slot, odd):
                for sender in (None, listener, Sender):
                    for name in NAMES:
                        attempt(getattr(Signal, name), made, sender)
            assert made.has_listeners(listener)


@pytest.mark.parametrize("slot", READ[Table])
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_a_table_may_hold_anything_in_every_kind_of_send(slot):
    """A wrong object in a slot of the table does not crash any kind of send."""
    made, _ = signal_with("method")
    for odd in ODD:
        with replaced(made._table, slot, odd):
            send_all(made)
        assert made.has_listeners()


def test_a_signal_without_a_table():
    """A signal whose `__init__` did not run raises AttributeError at each send."""
    bare: Any = Signal.__new__(Signal)
    for name in ("send", "send_robust", "has_listeners"):
        with pytest.raises(AttributeError, match="_table"):
            getattr(bare, name)(None)
    for name in ("asend", "asend_robust"):
        with pytest.raises(AttributeError, match="_table"):
            asyncio.run(getattr(bare, name)(None))


@pytest.mark.parametrize("owner", [5, None, object(), Table(), Signal, SimpleNamespace(_table=5)])
def test_a_send_on_another_object_raises(owner):
    """A send method called on another object raises an ordinary error."""
    for name in NAMES:
        method: Any = getattr(Signal, name)
        with pytest.raises((AttributeError, TypeError)):
            asyncio.run(begun) if asyncio.iscoroutine(begun := method(owner, None)) else begun


@pytest.mark.parametrize(
    "arguments",
    [
        *((), (5,), (len, 5), (len, "open"), (len, ""), (len, "send\0"), (len, "send", 1, 2)),
        (vars(Signal)["send"], "send"),  # nested compiled methods would recurse without an end
    ],
)
def test_a_method_needs_a_function_and_a_known_name(arguments):
    """A compiled method needs a function and a known name; anything else is refused."""
    method: Any = type(vars(Signal)["send"])
    with pytest.raises((TypeError, ValueError)):
        method(*arguments)


def test_a_method_of_an_uncallable_object():
    """A method of an object that is not callable can be created, and raises at a call."""
    method: Any = type(vars(Signal)["send"])
    for name in NAMES:
        made = method(5, name)
        assert repr(made) == "<compiled 5>"
        for given in ((), (Signal(),), (Signal(), None)):
            if given[1:] and name != "has_listeners" and not name.startswith("a"):
                assert made(*given) == []  # the object is called on the slow path only
            elif given[1:] and name == "has_listeners":
                assert made(*given) is False
            else:
                with pytest.raises(TypeError):
                    made(*given)


class TestBegin:
    """The function that compiled.py passes to its coroutine functions."""

    @pytest.fixture
    def begin(self, monkeypatch):
        """Return the function, taken from a send."""
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
    def test_it_refuses_wrong_tuples(self, begin, given):
        """Arguments other than two fitting tuples are refused."""
        with pytest.raises(TypeError, match="two tuples"):
            begin(*given)

    @pytest.mark.parametrize("given", [((), (5,)), (("a",), (5, 1)), (("a", "a"), (5, 6, 1, 2))])
    def test_it_raises_ordinary_errors(self, begin, given):
        """Two tuples that are not a send raise an ordinary error."""
        with pytest.raises((AttributeError, TypeError)):
            asyncio.run(begin(*given)[1])

    def test_it_can_be_called_directly(self, begin):
        """A direct call sends and returns the responses."""
        made: Any = Signal()
        assert begin((), (made, None)) == []
        made.connect(len_of := answering_async(3))
        receiver, coroutine = begin(("a",), (made, None, 1))
        assert receiver is len_of
        assert asyncio.run(coroutine) == 3

    def test_it_remains_after_its_method(self, begin):
        """It keeps its own references after its method is gone."""
        gc.collect()
        assert begin((), (Signal(), None)) == []


def test_a_wrong_instrument_raises():
    """An object that is not an instrument raises at the send."""
    made: Any = Signal()
    made._table.instruments = (5,)
    made._table.forget_routes()
    with pytest.raises(AttributeError):
        made.send(None)
