"""Who listens: what tells receivers and senders apart, and how a receiver is held."""

import enum
import functools
import gc
import weakref  # noqa: TC003  # for one annotation
from typing import Any

import pytest

from clarion._core.registration import (
    Registration,
    bare,
    check_sender,
    check_subclasses,
    collection_message,
    is_referable,
    receiver_key,
    sender_key,
)
from clarion.errors import SenderError, WeakReferenceError
from tests.core.receivers import Listener, Sender, Slotted, echo


class Color(enum.Enum):
    """A sender of which there is one of each."""

    RED = "red"
    BLUE = "blue"


class Text(enum.StrEnum):
    """An enumeration of text."""

    RED = "red"


class Number(enum.IntEnum):
    """An enumeration of numbers."""

    ONE = 1


def test_a_method_is_known_by_its_object_and_function():
    """Each access gives another bound method, and still it is the same receiver."""
    listener = Listener()
    assert receiver_key(listener.method) == receiver_key(listener.method)
    assert receiver_key(listener.method) != receiver_key(Listener().method)
    assert receiver_key(listener.method) != receiver_key(listener.async_method)
    assert receiver_key(Listener.class_method) == receiver_key(Listener.class_method)


def test_a_builtin_method_is_known_by_its_object_and_name():
    """`list.append` of one list is one receiver."""
    one: list[object] = []
    two: list[object] = []
    assert receiver_key(one.append) == receiver_key(one.append)
    assert receiver_key(one.append) != receiver_key(two.append)
    assert receiver_key(one.append) != receiver_key(one.extend)


def test_everything_else_is_known_by_identity():
    """Equal receivers are two receivers, and an unhashable one is a receiver too."""

    class Equal(list[int]):
        def __call__(self, **kwargs):
            return None

    assert receiver_key(Equal()) != receiver_key(Equal())
    assert receiver_key(echo) == receiver_key(echo)
    assert receiver_key(functools.partial(echo)) != receiver_key(functools.partial(echo))


def test_a_static_method_is_known_by_its_function():
    """What stands in the class body and what the class gives are the same receiver."""
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
    """An integer that happens to be the id of an object is another sender."""
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
        pytest.param(Slotted().method, None, False, id="method of what takes no references"),
        pytest.param(Listener.class_method, None, True, id="class method"),
        pytest.param(echo, True, True, id="function, told weak"),
        pytest.param(Listener(), True, True, id="object, told weak"),
        pytest.param(Listener().method, False, False, id="method, told strong"),
    ],
)
def test_how_a_receiver_is_held(receiver, weak, is_weak):
    """Bound methods are held weakly, all else strongly, unless it is told otherwise."""
    assert Registration().fill(receiver, weak=weak).weak is is_weak


def test_a_weakly_held_method_lives_as_long_as_its_object():
    """The object decides, not the bound method, which lives for a moment only."""
    listener = Listener()
    registration = Registration().fill(listener.method)
    gc.collect()
    assert registration.weak
    assert registration.live() == listener.method
    del listener
    gc.collect()
    assert registration.live() is None


def test_a_weakly_held_function_dies():
    """A function that is held weakly goes when nobody else holds it."""

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
    """Who connected is told when a weakly held receiver dies, and which one it was."""
    reported: list[weakref.ref[object]] = []
    listener = Listener()
    registration = Registration().fill(listener.method, finalizer=reported.append)
    del listener
    gc.collect()
    (reference,) = reported
    assert registration.is_held_by(reference)  # type: ignore[arg-type]


EMPTY: Any = []


@pytest.mark.parametrize("receiver", [Slotted().method, EMPTY.append.__call__])
def test_what_takes_no_references_cannot_be_held_weakly(receiver):
    """The refusal names the receiver and its type, and says what to write."""
    with pytest.raises(WeakReferenceError, match="weak=False") as raised:
        Registration().fill(receiver, weak=True)
    assert raised.value.receiver == receiver
    assert isinstance(raised.value, TypeError)
    assert raised.value.__cause__ is None


def test_referability_is_asked_of_the_type():
    """Slots without __weakref__ and builtin values take no references; classes do."""
    assert is_referable(Sender())
    assert is_referable(Slotted)
    assert is_referable(Color.RED)
    assert not is_referable(Slotted())
    assert not is_referable(object())
    assert not is_referable((1,))


def test_a_call_is_claimed_once():
    """With once=True the first claim wins; without, every claim does."""
    once, always = Registration().fill(echo, once=True), Registration().fill(echo)
    assert not once.is_spent
    assert [once.claim(), once.claim()] == [True, False]
    assert once.is_spent
    assert [always.claim(), always.claim()] == [True, True]
    assert not always.is_spent


def test_rank_is_priority_then_sync_then_connection():
    """Registrations sort into the order of a send by their rank."""
    late = Registration().fill(echo, priority=-1)
    is_async = Registration().fill(Listener().async_method)
    first, second = Registration().fill(echo), Registration().fill(echo)
    early = Registration().fill(echo, priority=10)
    everyone = [late, is_async, first, second, early]
    assert sorted(everyone, key=lambda r: r.rank) == [early, first, second, is_async, late]


def test_coming_last():
    """A registration may take the last place in the order of connection."""
    first, second = Registration().fill(echo), Registration().fill(echo)
    first.move_to_end()
    assert first.order > second.order
    assert first.rank > second.rank


def test_renewal():
    """A registration can be put back as it was: its place, and its only call."""
    registration = Registration().fill(echo, once=True, priority=3)
    order, rank = registration.order, registration.rank
    registration.claim()
    registration.move_to_end()
    registration.restore(order)
    assert (registration.order, registration.rank) == (order, rank)
    assert registration.claim()


def test_key_is_the_uid_or_the_receiver():
    """A uid stands for the receiver; an empty one, as in Django, is none."""
    assert Registration().fill(echo, uid="mine").key == Registration().fill(print, uid="mine").key
    assert Registration().fill(echo, uid="mine").key != Registration().fill(echo).key
    assert Registration().fill(echo, uid="").key == Registration().fill(echo).key


def test_a_registration_tells_its_receiver_and_place():
    """Name, file and line are of the receiver, looked up when asked for."""
    registration = Registration().fill(echo)
    assert registration.name == "tests.core.receivers.echo"
    assert registration.place == (echo.__code__.co_filename, echo.__code__.co_firstlineno)
    assert repr(registration).startswith("<Registration of tests.core.receivers.echo (")
    assert Registration().fill(print, weak=False).place is None


def test_a_dead_receiver_is_told_as_such():
    """A registration whose receiver has died says so, and has no place."""
    registration = Registration().fill(Listener().method)
    gc.collect()
    assert registration.name == "a receiver that has died"
    assert registration.place is None
    assert "died" in repr(registration)


def test_unhashable_sender_is_refused():
    """The refusal names the sender and says what to give instead."""
    sender = bytearray(b"1")
    with pytest.raises(SenderError, match=r"\(a bytearray\) is unhashable.*__hash__") as raised:
        check_sender(sender, subclasses=False)
    assert raised.value.sender is sender
    assert isinstance(raised.value, TypeError)
    check_sender(Sender(), subclasses=False)
    check_sender("web", subclasses=False)


@pytest.mark.parametrize(
    "senders",
    [(Sender,), [Sender], {Sender}, frozenset({Sender}), {"web": 1}],
    ids=lambda senders: type(senders).__name__,
)
def test_a_collection_of_senders_is_refused(senders):
    """No send by one of its items would match it."""
    with pytest.raises(SenderError, match="Connect the receiver once for each sender") as raised:
        check_sender(senders, subclasses=False)
    assert raised.value.sender is senders
    assert str(raised.value) == collection_message(senders)


@pytest.mark.parametrize("sender", [None, "web", Sender()], ids=["none", "text", "instance"])
def test_subclasses_are_of_classes(sender):
    """subclasses=True needs a class, and the refusal says so."""
    with pytest.raises(SenderError, match=r"not a class.*leave subclasses out"):
        check_subclasses(sender, subclasses=True)
    check_subclasses(sender, subclasses=False)
    check_subclasses(Sender, subclasses=True)


def test_a_delivery_that_looks_empty_is_one():
    """A delivery may have a length, and nothing in it yet."""

    class Waiting(list[object]):
        provides = ()

    waiting: Any = Waiting()
    assert not Registration().fill(echo, delivery=waiting).is_simple
    assert (
        not Registration()
        .fill(Listener().async_method, delivery=waiting, weak=False)
        .is_simple_async
    )
