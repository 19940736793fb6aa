"""muted: which receivers are not called."""

import asyncio
from functools import partial

import pytest

from clarion import Signal, signal
from clarion._core import instrument
from clarion.errors import ArgumentError, RunningLoopError, SenderError
from clarion.testing import capture, muted
from tests.core.receivers import (
    Listener,
    answering,
    answering_async,
    answers,
    deliver,
    echo,
    raising,
)
from tests.testing.muting import closed, heard, one, opened, two

pytestmark = pytest.mark.usefixtures("_two_receivers")


@signal
def paid(sender: object, *, order_id: int) -> int:
    """An order was paid."""
    raise NotImplementedError


def test_muted_signal_calls_no_receiver():
    """Inside the block; after it, they are called."""
    with muted(opened):
        assert heard() == []
        assert heard(closed) == [2, 1]
    assert heard() == [2, 1]


def test_a_muted_receiver_is_not_called():
    """By no signal; the others are called, in order."""
    with muted(two):
        assert heard() == [1]
        assert heard(closed) == [1]
    assert heard() == [2, 1]


def test_signals_and_receivers_can_be_muted_together():
    """One block can mute signals and receivers."""
    closed.connect(three := answering(3))
    with muted(opened, one, three):
        assert heard() == []
        assert heard(closed) == [2]


@pytest.mark.parametrize("kind", ["send", "send_robust", "asend", "asend_robust"])
def test_every_send_is_muted(kind):
    """All four sends, sync and async."""
    opened.connect(late := answering_async(3))
    with muted(one):
        assert answers(deliver(kind, opened)) == [2, 3]
    with muted(late):
        assert answers(deliver(kind, opened)) == [2, 1]
    with muted(opened):
        assert answers(deliver(kind, opened)) == []


def test_a_declared_signal_is_muted():
    """It still checks its keywords."""
    paid.connect(lambda sender, order_id: order_id)
    with muted(paid):
        assert paid.send(None, order_id=1) == []
        with pytest.raises(ArgumentError):
            paid.send(None)  # type: ignore[call-arg]
    assert answers(paid.send(None, order_id=1)) == [1]


def test_one_sender_is_muted():
    """Sends of others call the receivers; text matches by equality."""
    with muted(opened, sender="web"):
        assert heard(sender=str(b"web", "ascii")) == []
        assert heard(sender="phone") == [2, 1]
        assert heard(sender=None) == [2, 1]
    with muted(one, sender="web"):
        assert heard(sender="web") == [2]
        assert heard(sender="phone") == [2, 1]


def test_bound_methods_are_muted():
    """The method of one object, not of another."""
    mine, other = Listener(), Listener()
    for listener in (mine, other):
        closed.connect(listener.method)
    with muted(mine.method):
        assert [receiver for receiver, _ in closed.send(None)] == [two, one, other.method]


@pytest.mark.parametrize("receiver", [Listener(), partial(echo)], ids=["object", "partial"])
def test_callable_objects_are_muted(receiver):
    """A callable object, such as a partial, can be muted."""
    fresh = Signal()
    fresh.connect(receiver)
    with muted(receiver):
        assert fresh.send(None) == []


@pytest.mark.parametrize("owner", [Listener, {}], ids=["class", "builtin"])
def test_methods_that_are_another_object_each_time_are_muted(owner):
    """Class methods and methods of builtins match by owner and name."""
    name = "class_method" if owner is Listener else "update"
    fresh = Signal()
    fresh.connect(getattr(owner, name))
    with muted(getattr(owner, name)):
        assert fresh.send(None) == []


def test_a_receiver_may_be_connected_in_the_block():
    """It is muted, also by a signal that is made in the block."""
    with muted(echo):
        fresh = Signal()
        fresh.connect(echo)
        assert fresh.send(None) == []
    assert len(fresh.send(None)) == 1


def test_registrations_stay():
    """Order, names and has_listeners do not change."""
    before = opened._table.registrations()
    with muted(opened, one):
        assert opened._table.registrations() == before
        assert opened.has_listeners()
    assert opened._table.registrations() == before
    assert heard() == [2, 1]


def test_once_receiver_is_not_used_up():
    """It can be called after the block."""
    opened.connect(echo, once=True)
    with muted(opened):
        heard()
    with muted(echo):
        heard()
    assert len(opened.send(None)) == 3
    assert len(opened.send(None)) == 2


def test_a_muted_send_is_captured():
    """A capture records it, without responses."""
    with capture(opened) as sent, muted(opened):
        heard(sender="web")
    assert [(each.sender, each.responses) for each in sent] == [("web", [])]


def test_mutes_nest():
    """An inner block does not end the outer one, with the same target or another."""
    with muted(opened):
        with muted(opened), muted(one):
            assert heard() == []
        assert heard() == []
    assert heard() == [2, 1]


def test_block_can_be_entered_again():
    """Inside itself, and after it has ended."""
    mute = muted(opened)
    with mute:
        with mute:
            assert heard() == []
        assert heard() == []
    assert heard() == [2, 1]
    with mute:
        assert heard() == []


def test_exception_ends_the_block():
    """The receivers are called again."""
    with pytest.raises(ZeroDivisionError), muted(opened):
        _ = 1 / 0
    assert heard() == [2, 1]


def test_muted_receiver_cannot_fail_the_send():
    """Because it is not called."""
    opened.connect(broken := raising(LookupError()))
    with muted(broken):
        assert heard() == [2, 1]


def test_muted_async_receiver_is_not_refused():
    """Inside an event loop, send() works."""
    opened.connect(late := answering_async(3))

    async def main():
        with muted(late):
            assert heard() == [2, 1]
        with pytest.raises(RunningLoopError):
            heard()

    asyncio.run(main())


def test_no_target_is_refused():
    """muted() without a target is refused as a mistake."""
    with pytest.raises(ArgumentError, match=r"without a target\. Give signals or receivers\."):
        muted()


def test_other_objects_are_refused():
    """A name is neither a signal nor a receiver."""
    with pytest.raises(ArgumentError, match="a str is neither a signal nor a receiver"):
        muted(opened, "order_paid")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "targets", [(opened,), (one,), (opened, one)], ids=["signal", "receiver", "both"]
)
def test_signals_are_not_watched_after_the_block(targets):
    """A send only calls its receivers again."""
    with muted(*targets):
        assert opened._table.find_route(None).strong_receivers is None
    assert opened._table.find_route(None).strong_receivers == (two, one)
    assert opened._table.instruments == instrument.everywhere == ()


def test_repr():
    """It shows the names of the targets and of the sender, and no value."""
    made = Signal(name="shop.made")
    with muted(made, paid) as block:
        assert repr(block) == f"<muted(shop.made, {paid.name})>"
    with muted(echo, partial(echo, key="hunter2"), sender=Listener) as block:
        shown = repr(block)
    assert shown == (
        "<muted(tests.core.receivers.echo, partial(tests.core.receivers.echo), "
        "sender=tests.core.receivers.Listener)>"
    )


def test_a_list_of_senders_is_refused():
    """A list of senders is refused, because no send would be muted."""
    with pytest.raises(SenderError, match="no send by one of its items matches"):
        muted(opened, sender=["web", "shop"])
