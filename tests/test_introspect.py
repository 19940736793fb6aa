"""Inspecting signals: registrations, explanations, the dispatcher."""

import contextvars
import doctest
import inspect
from dataclasses import FrozenInstanceError
from decimal import Decimal

import pytest

from clarion import Signal, introspect, signal
from clarion._core import compiled
from clarion._core.instrument import Send
from clarion.errors import ArgumentError, SenderWarning
from clarion.introspect import (
    Dispatcher,
    Registration,
    Verdict,
    dispatcher,
    explain,
    registrations,
    signal_name,
    signals,
)
from clarion.testing import muted
from tests.core.receivers import Listener, Sender, Slotted, collect

opened = Signal(name="shop.opened")


@signal(name="shop.paid")
def paid(sender: object, *, order_id: int) -> None:
    """An order was paid."""


def one(**kwargs):
    """Do nothing."""


def two(**kwargs):
    """Do nothing."""


async def later(**kwargs):
    """Do nothing, awaited."""


class Sub(Sender):
    """A subclass of a sender."""


def located(function):
    """Return name and place of a receiver, as an explanation shows them."""
    return f"{__name__}.{function.__qualname__} ({__file__}:{inspect.getsourcelines(function)[1]})"


def why_unheard(sender, signal=opened):
    """Return the reason of the only receiver that the send would not call."""
    (verdict,) = explain(signal, sender).unheard
    assert not verdict.is_heard
    return verdict.reason


def why_heard(sender, signal=opened):
    """Return the reason of the only receiver that the send would call."""
    (verdict,) = explain(signal, sender).heard
    assert verdict.is_heard
    return verdict.reason


def test_the_example_holds():
    """The example in the docstring of the module holds."""
    assert doctest.testmod(introspect).failed == 0


def test_living_signals_are_listed():
    """Living signals are listed in the order of their creation, and dead ones are not."""
    first = Signal()
    second = Signal()
    dead = Signal(name="dead")
    del dead
    collect()
    listed = signals()
    assert listed[-2:] == [first, second]
    assert opened in listed
    assert paid in listed
    assert "dead" not in [signal_name(each) for each in listed]


def test_registrations_are_listed():
    """The registrations have receiver, sender and options, in the order of connection."""
    listener = Listener()
    opened.connect(one, sender="web", dispatch_uid="uid", priority=3)
    opened.connect(later, once=True)
    opened.connect(listener.method, sender=Sender, subclasses=True, inline=True)
    found = registrations(opened)
    assert [each.live() for each in found] == [one, later, listener.method]
    assert [each.sender for each in found] == ["web", None, Sender]
    assert [each.uid for each in found] == ["uid", None, None]
    assert [each.priority for each in found] == [3, 0, 0]
    assert [each.is_async for each in found] == [False, True, False]
    assert [each.once for each in found] == [False, True, False]
    assert [each.subclasses for each in found] == [False, False, True]
    assert [each.inline for each in found] == [False, False, True]
    assert [each.weak for each in found] == [False, False, True]
    assert found[0].name == f"{__name__}.one"
    assert found[0].place == (__file__, inspect.getsourcelines(one)[1])
    assert isinstance(found[0], Registration)


def test_dead_receivers_are_not_listed():
    """A receiver that has died is not listed."""
    listener = Listener()
    opened.connect(listener.method)
    del listener
    collect()
    assert registrations(opened) == []


def test_called_receivers_are_in_order():
    """The receivers are in the order of a send: priority, sync before async, then connection."""
    opened.connect(later)
    opened.connect(one)
    opened.connect(two, sender="web")
    opened.connect(first := Listener(), priority=1)
    heard = [verdict.registration.live() for verdict in explain(opened, "web").heard]
    assert heard == [first, one, two, later]
    assert [receiver for receiver, _ in opened.send("web")] == heard


def test_other_receivers_are_in_order_of_connection():
    """The other receivers are in the order of connection."""
    opened.connect(two, sender="web")
    opened.connect(one, sender="phone", priority=1)
    unheard = explain(opened, "post").unheard
    assert [verdict.registration.live() for verdict in unheard] == [two, one]


def test_nothing_is_sent():
    """explain calls no receiver, and a once=True receiver keeps its call."""
    opened.connect(calls := Listener(), once=True)
    assert why_heard("web") == "listens to any sender"
    assert [receiver for receiver, _ in opened.send("web")] == [calls]


def test_any_sender():
    """A receiver without a sender gets every send."""
    opened.connect(one)
    assert why_heard("web") == why_heard(None) == why_heard(Sender()) == "listens to any sender"


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("web", "'web'"),
        (b"web", "a bytes"),
        (7, "7"),
        (Sender, f"{Sender.__module__}.Sender"),
        (Slotted(), f"an object of {Slotted.__module__}.Slotted"),
    ],
)
def test_this_sender(sender, name):
    """A receiver gets the sends of its sender only."""
    opened.connect(one, sender=sender)
    assert why_heard(sender) == "listens to this sender"
    assert why_unheard("other") == why_unheard(None) == f"listens to {name}"


def test_subclasses():
    """Only a receiver with subclasses=True gets the sends of a subclass; the reason says so."""
    opened.connect(one, sender=Sender)
    opened.connect(two, sender=Sender, subclasses=True)
    name = f"{Sender.__module__}.Sender"
    found = explain(opened, Sub)
    assert [(v.name, v.reason) for v in found.heard] == [
        (f"{__name__}.two", f"listens to subclasses of {name}")
    ]
    assert [(v.name, v.reason) for v in found.unheard] == [
        (f"{__name__}.one", f"listens to {name}, without subclasses=True")
    ]
    assert [v.reason for v in explain(opened, Sender).heard] == ["listens to this sender"] * 2


def test_a_class_is_not_its_instances():
    """A receiver of a class gets no send of an instance, and the reason names this mistake."""
    opened.connect(one, sender=Sender)
    expected = f"listens to {Sender.__module__}.Sender, the class, not to its instances"
    assert why_unheard(Sender()) == why_unheard(Sub()) == expected


def test_an_equal_sender_is_another():
    """An equal sender is another sender, and the reason says so."""
    mine, yours = (Decimal("0.1") for _ in range(2))
    with pytest.warns(SenderWarning, match="matches by identity"):
        opened.connect(one, sender=mine)
    expected = "listens to an object of decimal.Decimal, which is equal, but another object"
    assert why_unheard(yours) == expected


def test_muted_receivers():
    """A receiver that is muted in this context would be called in another one."""
    opened.connect(one)
    context = contextvars.copy_context()
    with muted(one):
        assert why_unheard("web") == "is muted here"
        assert context.run(why_heard, "web") == "listens to any sender"
    with muted(opened, sender="web"):
        assert why_unheard("web") == "is muted here"
        assert why_heard("phone") == "listens to any sender"
    assert why_heard("web") == "listens to any sender"


def test_a_spent_receiver():
    """A once=True receiver that is being called would not be called again."""
    opened.connect(one, once=True)
    (registration,) = registrations(opened)
    registration.claim()
    assert why_unheard(None) == "was called once already"


def test_a_once_receiver_is_gone_after_its_call():
    """A once=True receiver is disconnected after its call."""
    opened.connect(one, once=True)
    opened.send(None)
    found = explain(opened)
    assert (found.heard, found.unheard) == ((), ())


def test_a_dead_receiver():
    """A receiver that dies during the explanation is listed as dead."""
    listener = Listener()
    opened.connect(listener.method)
    route = opened._table.find_route(None)
    probe = Send(opened, {"sender": None})
    del listener
    collect()
    verdict = introspect._judge(route.registrations[0], probe)
    assert (verdict.is_heard, verdict.reason) == (False, "has died")
    assert verdict.name == "a receiver that has died"


def test_a_declared_signal():
    """Declared signals are explained like any other."""
    paid.connect(lambda sender, order_id: None)
    assert why_heard(None, paid) == "listens to any sender"
    assert str(explain(paid)).startswith("shop.paid, sent by no particular sender\n")


def test_text_of_an_explanation():
    """The text lists the receivers in order, with place, reason and options."""
    listener = Listener()
    opened.connect(one, priority=5)
    opened.connect(later, sender=Sender, once=True)
    opened.connect(two, sender="web")
    opened.connect(listener.method, sender="web", inline=True, priority=-1)
    listeners = Listener.__module__
    place = f"{inspect.getsourcefile(Listener)}:{inspect.getsourcelines(Listener.method)[1]}"
    assert str(explain(opened, Sender)) == (
        f"shop.opened, sent by {listeners}.Sender\n"
        "  would call\n"
        f"    1. {located(one)}: listens to any sender, priority 5\n"
        f"    2. {located(later)}: listens to this sender, async, once\n"
        "  would not call\n"
        f"    -  {located(two)}: listens to 'web'\n"
        f"    -  {listeners}.Listener.method ({place}): listens to 'web', priority -1, inline, "
        "held weakly"
    )


def test_text_without_receivers():
    """The text of a signal without receivers says so."""
    assert str(explain(opened)) == (
        "shop.opened, sent by no particular sender\n  would call no receiver"
    )


def test_text_of_a_receiver_without_a_place():
    """The text of a builtin receiver has no file."""
    opened.connect({}.update)
    (verdict,) = explain(opened).heard
    assert isinstance(verdict, Verdict)
    assert str(verdict) == "dict.update: listens to any sender"


@pytest.mark.parametrize("ask", [registrations, explain])
def test_another_object_is_refused(ask):
    """An object that is not a signal is refused, with the way to dispatch a signal of Django."""
    with pytest.raises(
        ArgumentError,
        match=r"is not a signal that Clarion dispatches\. Give a Clarion signal, or a",
    ):
        ask(one)


def test_the_dispatcher_in_use():
    """The dispatcher is the one that the sends use, compiled or not."""
    found = dispatcher()
    assert found.is_compiled is (type(vars(Signal)["send"]).__name__ == "Method")
    assert found.is_compiled is not bool(found.reason)
    with pytest.raises(FrozenInstanceError):
        found.reason = "another"  # type: ignore[misc]


def test_the_dispatcher_is_described(monkeypatch):
    """The description is one word, or has the reason why the sends are not compiled."""
    assert str(Dispatcher(is_compiled=True, reason="")) == "compiled"
    monkeypatch.setattr(compiled, "reason", "CLARION_PURE is set in the environment.")
    assert dispatcher() == Dispatcher(False, "CLARION_PURE is set in the environment.")
    assert str(dispatcher()) == "pure Python: CLARION_PURE is set in the environment."
