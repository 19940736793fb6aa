"""Registrations: the identity of receivers and senders, and how a receiver is held."""

import enum
import functools
import gc
import weakref  # noqa: TC003  # for one annotation
from typing import Any

import pytest

from clarion import Signal
from clarion._core.registration import (
    Registration,
    bare,
    is_referable,
    receiver_key,
    sender_key,
)
from clarion.errors import WeakReferenceError
from clarion.introspect import registrations
from tests.core.deliveries import Later
from tests.core.receivers import Listener, Sender, Slotted, echo


class Color(enum.Enum):
    """A sender that exists once per member."""

    RED = "red"
    BLUE = "blue"


class Text(enum.StrEnum):
    """An enumeration of text."""

    RED = "red"


class Number(enum.IntEnum):
    """An enumeration of numbers."""

    ONE = 1


def test_a_method_is_identified_by_object_and_function():
    """Each access creates another bound method, and all of them are one receiver."""
    listener = Listener()
    assert receiver_key(listener.method) == receiver_key(listener.method)
    assert receiver_key(listener.method) != receiver_key(Listener().method)
    assert receiver_key(listener.method) != receiver_key(listener.async_method)
    assert receiver_key(Listener.class_method) == receiver_key(Listener.class_method)


def test_a_builtin_method_is_identified_by_object_and_name():
    """`list.append` of one list is one receiver."""
    one: list[object] = []
    two: list[object] = []
    assert receiver_key(one.append) == receiver_key(one.append)
    assert receiver_key(one.append) != receiver_key(two.append)
    assert receiver_key(one.append) != receiver_key(one.extend)


def test_other_receivers_are_identified_by_identity():
    """Equal receivers are two receivers, and an unhashable one is a receiver too."""

    class Equal(list[int]):
        def __call__(self, **kwargs):
            return None

    assert receiver_key(Equal()) != receiver_key(Equal())
    assert receiver_key(echo) == receiver_key(echo)
    assert receiver_key(functools.partial(echo)) != receiver_key(functools.partial(echo))


def test_a_static_method_is_identified_by_its_function():
    """A static method in the class body and its function are the same receiver."""
    inside = vars(Listener)["static_method"]
    assert receiver_key(inside) == receiver_key(Listener.static_method)
    assert bare(inside) is Listener.static_method
    assert bare(echo) is echo


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param("web", "".join(["w", "eb"]), id="text"),
        pytest.param(b"web", b"".join([b"w", b"eb"]), id="bytes"),
        pytest.param(10**20, int("1" + "0" * 20), id="integer"),
        pytest.param(True, 1, id="bool and integer"),
        pytest.param(Color.RED, Color("red"), id="enum"),
        pytest.param(Text.RED, "red", id="text enum and text"),
        pytest.param(Number.ONE, 1, id="integer enum and integer"),
    ],
)
def test_equal_values_are_one_sender(one, two):
    """A sender that is a plain value matches by equality."""
    assert sender_key(one) == sender_key(two)
    assert hash(sender_key(one)) == hash(sender_key(two))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param("web", b"web", id="text and bytes"),
        pytest.param("1", 1, id="text and integer"),
        pytest.param(Color.RED, Color.BLUE, id="enums"),
        pytest.param(Color.RED, "red", id="enum and its value"),
        pytest.param(1, 1.0, id="integer and float"),
        pytest.param((1, 2), tuple([1, 2]), id="tuples"),  # noqa: C409
        pytest.param(frozenset(), frozenset("a"), id="sets"),
        pytest.param(Sender, Sender(), id="class and instance"),
    ],
)
def test_others_are_different_senders(one, two):
    """Values of different types, and equal objects of other types, are two senders."""
    assert sender_key(one) != sender_key(two)


def test_an_identity_is_never_taken_for_a_value():
    """An integer that equals the id of an object is another sender."""
    sender = Sender()
    assert sender_key(sender) != sender_key(id(sender))


@pytest.mark.parametrize(
    ("receiver", "weak", "is_weak"),
    [
        pytest.param(echo, None, False, id="function"),
        pytest.param(lambda **kwargs: None, None, False, id="lambda"),
        pytest.param(functools.partial(echo), None, False, id="partial"),
        pytest.param(Listener(), None, False, id="object"),
        pytest.param([].append, None, False, id="builtin method"),
        pytest.param(
            Slotted().method, None, False, id="method of an object without weak references"
        ),
        pytest.param(Listener.class_method, None, True, id="class method"),
        pytest.param(echo, True, True, id="function with weak"),
        pytest.param(Listener(), True, True, id="object with weak"),
        pytest.param(Listener().method, False, False, id="method with strong"),
    ],
)
def test_how_a_receiver_is_held(receiver, weak, is_weak):
    """By default bound methods are held weakly, and everything else strongly."""
    assert Registration().fill(receiver, weak=weak).weak is is_weak


def test_a_weakly_held_method_lives_as_long_as_its_object():
    """A weakly held method lives as long as its object."""
    listener = Listener()
    registration = Registration().fill(listener.method)
    gc.collect()
    assert registration.weak
    assert registration.live() == listener.method
    del listener
    gc.collect()
    assert registration.live() is None


def test_a_weakly_held_function_dies():
    """A weakly held function dies with its last other reference."""

    def receiver(**kwargs):
        return None

    registration = Registration().fill(receiver, weak=True)
    assert registration.live() is receiver
    del receiver
    gc.collect()
    assert registration.live() is None


def test_a_strongly_held_closure_stays():
    """A closure that only the registration holds is still called."""
    registration = Registration().fill((lambda: lambda **kwargs: "here")())  # noqa: PLC3002
    gc.collect()
    receiver = registration.live()
    assert receiver is not None
    assert receiver() == "here"


def test_death_is_reported():
    """The finalizer gets the reference of a weakly held receiver that dies."""
    reported: list[weakref.ref[object]] = []
    listener = Listener()
    registration = Registration().fill(listener.method, finalizer=reported.append)
    del listener
    gc.collect()
    (reference,) = reported
    assert registration.is_held_by(reference)  # type: ignore[arg-type]


EMPTY: Any = []


@pytest.mark.parametrize("receiver", [Slotted().method, EMPTY.append.__call__])
def test_an_object_without_weak_references_cannot_be_weak(receiver):
    """A refusal names the type of the receiver and the cure."""
    with pytest.raises(WeakReferenceError, match="weak=False") as raised:
        Registration().fill(receiver, weak=True)
    assert raised.value.receiver == receiver
    assert isinstance(raised.value, TypeError)
    assert raised.value.__cause__ is None


def test_weak_references_depend_on_the_type():
    """Types with slots and builtin types support no weak references; classes do."""
    assert is_referable(Sender())
    assert is_referable(Slotted)
    assert is_referable(Color.RED)
    assert not is_referable(Slotted())
    assert not is_referable(object())
    assert not is_referable((1,))


def test_a_call_is_claimed_once():
    """With once=True only the first claim succeeds; without it, every claim does."""
    once, always = Registration().fill(echo, once=True), Registration().fill(echo)
    assert not once.is_spent
    assert [once.claim(), once.claim()] == [True, False]
    assert once.is_spent
    assert [always.claim(), always.claim()] == [True, True]
    assert not always.is_spent


def test_rank_is_priority_then_sync_then_connection():
    """Registrations sort by their rank: priority, sync before async, order of connection."""
    late = Registration().fill(echo, priority=-1)
    is_async = Registration().fill(Listener().async_method)
    first, second = Registration().fill(echo), Registration().fill(echo)
    early = Registration().fill(echo, priority=10)
    everyone = [late, is_async, first, second, early]
    assert sorted(everyone, key=lambda r: r.rank) == [early, first, second, is_async, late]


def test_moving_to_the_end():
    """A registration can take the last place in the order of connection."""
    first, second = Registration().fill(echo), Registration().fill(echo)
    first.move_to_end()
    assert first.order > second.order
    assert first.rank > second.rank


def test_renewal():
    """A registration can be restored with its place and its only call."""
    registration = Registration().fill(echo, once=True, priority=3)
    order, rank = registration.order, registration.rank
    registration.claim()
    registration.move_to_end()
    registration.restore(order)
    assert (registration.order, registration.rank) == (order, rank)
    assert registration.claim()


def test_key_is_the_uid_or_the_receiver():
    """The key is the uid or the receiver; an empty uid counts as none, as in Django."""
    assert Registration().fill(echo, uid="mine").key == Registration().fill(print, uid="mine").key
    assert Registration().fill(echo, uid="mine").key != Registration().fill(echo).key
    assert Registration().fill(echo, uid="").key == Registration().fill(echo).key


def test_a_registration_names_its_receiver_and_place():
    """A registration has the name, file and line of its receiver."""
    registration = Registration().fill(echo)
    assert registration.name == "tests.core.receivers.echo"
    assert registration.place == (echo.__code__.co_filename, echo.__code__.co_firstlineno)
    assert repr(registration).startswith("<Registration of tests.core.receivers.echo (")
    assert Registration().fill(print, weak=False).place is None


def test_the_repr_shows_the_options():
    """It has the options that are not the default, and no value of the program."""
    place = f"{echo.__code__.co_filename}:{echo.__code__.co_firstlineno}"
    assert (
        repr(Registration().fill(echo)) == f"<Registration of tests.core.receivers.echo ({place})>"
    )
    later: Any = Later()
    options = {"uid": "mail", "priority": 5, "once": True, "weak": True, "delivery": later}
    assert repr(Registration().fill(echo, **options)).endswith(
        "), priority 5, once, held weakly, dispatch_uid 'mail', "
        "delivery an object of tests.core.deliveries.Later>"
    )
    signal = Signal()
    signal.connect(echo, sender="web")
    signal.connect(echo, sender=Sender, subclasses=True, dispatch_uid="hunter2://secret")
    with signal.connected(echo, context=True):
        shown = [repr(each).partition("), ")[2] for each in registrations(signal)]
    assert shown == [
        "sender 'web'>",
        "sender tests.core.receivers.Sender, subclasses, dispatch_uid a str>",
        "connected for a block of one context>",
    ]


def test_a_dead_receiver_has_no_place():
    """A registration whose receiver has died has no place."""
    registration = Registration().fill(Listener().method)
    gc.collect()
    assert registration.name == "a receiver that has died"
    assert registration.place is None
    assert "died" in repr(registration)


def test_an_empty_delivery_is_a_delivery():
    """A delivery with a length of zero is a delivery."""

    class Waiting(list[object]):
        provides = ()

    waiting: Any = Waiting()
    assert not Registration().fill(echo, delivery=waiting).is_simple
    assert (
        not Registration()
        .fill(Listener().async_method, delivery=waiting, weak=False)
        .is_simple_async
    )
