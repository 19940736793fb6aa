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
from clarion.errors import ArgumentError
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
    """Hear."""


def two(**kwargs):
    """Hear."""


async def later(**kwargs):
    """Hear, awaited."""


class Sub(Sender):
    """A subclass of a sender."""


def here(function):
    """Return where a receiver is written, as an explanation shows it."""
    return f"{__name__}.{function.__qualname__} ({__file__}:{inspect.getsourcelines(function)[1]})"


def why_unheard(sender, signal=opened):
    """Return the reason of the only receiver that would not hear the sender."""
    (verdict,) = explain(signal, sender).unheard
    assert not verdict.is_heard
    return verdict.reason


def why_heard(sender, signal=opened):
    """Return the reason of the only receiver that would hear the sender."""
    (verdict,) = explain(signal, sender).heard
    assert verdict.is_heard
    return verdict.reason


def test_the_example_holds():
    """The example at the head of the module does as it says."""
    assert doctest.testmod(introspect).failed == 0


def test_signals_alive_are_listed():
    """All signals alive are listed as they were made, and none that has died."""
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
    """The registrations of a signal tell whom, for whom and how, in the order of connection."""
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


def test_what_died_is_not_listed():
    """A receiver that died is no registration."""
    listener = Listener()
    opened.connect(listener.method)
    del listener
    collect()
    assert registrations(opened) == []


def test_who_would_hear_is_told_in_order():
    """The order is that of a send: priority, sync before async, then connection."""
    opened.connect(later)
    opened.connect(one)
    opened.connect(two, sender="web")
    opened.connect(first := Listener(), priority=1)
    heard = [verdict.registration.live() for verdict in explain(opened, "web").heard]
    assert heard == [first, one, two, later]
    assert [receiver for receiver, _ in opened.send("web")] == heard


def test_who_would_not_is_told_in_order_of_connection():
    """Those who would not hear come as they were connected."""
    opened.connect(two, sender="web")
    opened.connect(one, sender="phone", priority=1)
    unheard = explain(opened, "post").unheard
    assert [verdict.registration.live() for verdict in unheard] == [two, one]


def test_nothing_is_sent():
    """Explaining calls nobody, and leaves a once receiver its call."""
    opened.connect(calls := Listener(), once=True)
    assert why_heard("web") == "listens to any sender"
    assert [receiver for receiver, _ in opened.send("web")] == [calls]


def test_any_sender():
    """A receiver without a sender listens to any."""
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
    """A receiver hears the sender that it was connected for, and no other, nor None."""
    opened.connect(one, sender=sender)
    assert why_heard(sender) == "listens to this sender"
    assert why_unheard("other") == why_unheard(None) == f"listens to {name}"


def test_subclasses():
    """A subclass is heard by who asked for subclasses; of who did not, the reason tells."""
    opened.connect(one, sender=Sender)
    opened.connect(two, sender=Sender, subclasses=True)
    name = f"{Sender.__module__}.Sender"
    told = explain(opened, Sub)
    assert [(v.name, v.reason) for v in told.heard] == [
        (f"{__name__}.two", f"listens to subclasses of {name}")
    ]
    assert [(v.name, v.reason) for v in told.unheard] == [
        (f"{__name__}.one", f"listens to {name}, without subclasses=True")
    ]
    assert [v.reason for v in explain(opened, Sender).heard] == ["listens to this sender"] * 2


def test_a_class_is_not_its_instances():
    """That an instance sends what is listened to by class is a common mistake, and is named."""
    opened.connect(one, sender=Sender)
    expected = f"listens to {Sender.__module__}.Sender, the class, not to its instances"
    assert why_unheard(Sender()) == why_unheard(Sub()) == expected


def test_an_equal_sender_is_another():
    """Senders that are equal look alike, so the reason says that they are two."""
    mine, yours = (Decimal("0.1") for _ in range(2))
    opened.connect(one, sender=mine)
    expected = "listens to an object of decimal.Decimal, which is equal, but another object"
    assert why_unheard(yours) == expected


def test_muted_receivers():
    """What is muted in this context would not hear, and would in another one."""
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
    """A once receiver that is being called right now would not be called again."""
    opened.connect(one, once=True)
    (registration,) = registrations(opened)
    registration.claim()
    assert why_unheard(None) == "was called once already"


def test_a_once_receiver_is_gone_after_its_call():
    """Once called, it is no longer connected."""
    opened.connect(one, once=True)
    opened.send(None)
    told = explain(opened)
    assert (told.heard, told.unheard) == ((), ())


def test_a_dead_receiver():
    """One that dies while the explanation is being made is told as dead."""
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


def test_it_reads_well():
    """As text it tells the receivers in order, with their place, reason and traits."""
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
        f"    1. {here(one)}: listens to any sender, priority 5\n"
        f"    2. {here(later)}: listens to this sender, async, once\n"
        "  would not call\n"
        f"    -  {here(two)}: listens to 'web'\n"
        f"    -  {listeners}.Listener.method ({place}): listens to 'web', priority -1, inline, "
        "held weakly"
    )


def test_nobody_reads_well():
    """A signal without receivers is told as such."""
    assert str(explain(opened)) == (
        "shop.opened, sent by no particular sender\n  would call no receiver"
    )


def test_a_receiver_without_a_place_reads_well():
    """Of a builtin no file is told."""
    opened.connect({}.update)
    (verdict,) = explain(opened).heard
    assert isinstance(verdict, Verdict)
    assert str(verdict) == "dict.update: listens to any sender"


@pytest.mark.parametrize("ask", [registrations, explain])
def test_what_is_no_signal_is_refused(ask):
    """Only a signal can be explained; the refusal says how one of Django's becomes one."""
    with pytest.raises(
        ArgumentError,
        match=r"is not a signal that Clarion dispatches\. Give a Clarion signal, or a",
    ):
        ask(one)


def test_the_dispatcher_in_use_is_told():
    """Compiled or not, as the sends themselves are."""
    told = dispatcher()
    assert told.is_compiled is (type(vars(Signal)["send"]).__name__ == "Method")
    assert told.is_compiled is not bool(told.reason)
    with pytest.raises(FrozenInstanceError):
        told.reason = "another"  # type: ignore[misc]


def test_the_dispatcher_is_told_to_people(monkeypatch):
    """In a word, or with the reason why it is not the compiled one."""
    assert str(Dispatcher(is_compiled=True, reason="")) == "compiled"
    monkeypatch.setattr(compiled, "reason", "CLARION_PURE is set in the environment.")
    assert dispatcher() == Dispatcher(False, "CLARION_PURE is set in the environment.")
    assert str(dispatcher()) == "pure Python: CLARION_PURE is set in the environment."
