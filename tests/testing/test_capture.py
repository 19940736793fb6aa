"""capture: which sends are recorded, and what of each."""

import asyncio
import threading
from decimal import Decimal

import pytest

from clarion import Signal, signal
from clarion._core import instrument
from clarion.errors import ArgumentError
from clarion.testing import Capture, capture
from tests.core.receivers import answering, answering_async, deliver, echo, raising


@signal
def paid(sender: object, *, order_id: int, amount: Decimal = Decimal(0)) -> str:
    """An order was paid."""
    raise NotImplementedError


opened = Signal(name="shop.opened")


def plain(signal, sender=None):
    """Return the receivers that a send only calls, or None if there is more to do."""
    return signal._table.find_route(sender).strong_receivers


def test_send_is_recorded():
    """With the signal, the sender and the keywords."""
    with capture(opened) as sent:
        opened.send("web", at=9)
    (only,) = sent
    assert (only.signal, only.sender, only.keywords) == (opened, "web", {"at": 9})


@pytest.mark.parametrize("kind", ["send", "send_robust", "asend", "asend_robust"])
def test_every_send_is_captured(kind):
    """All four sends, with the same responses as without a capture."""
    opened.connect(early := answering("early"))
    opened.connect(late := answering_async("late"))
    with capture(opened) as sent:
        responses = deliver(kind, opened, "web", at=9)
    assert [each.keywords for each in sent] == [{"at": 9}]
    assert sent[0].responses == responses == [(early, "early"), (late, "late")]


def test_sends_without_receivers_are_captured():
    """Without any receiver, or without one for the sender."""
    opened.connect(echo, sender="phone")
    with capture(opened) as sent:
        opened.send("web")
        opened.send(None)
    assert [(each.sender, each.responses) for each in sent] == [("web", []), (None, [])]


def test_captured_signal_has_listeners():
    """So code that asks has_listeners() first does send."""
    assert not opened.has_listeners("web")
    with capture(opened):
        assert opened.has_listeners("web")
    assert not opened.has_listeners("web")


def test_it_ends_with_the_block():
    """Sends before and after the block are not captured, also if it raises."""
    sent = capture(opened)

    def fail():
        with sent:
            opened.send("inside")
            raise LookupError

    opened.send("before")
    with pytest.raises(LookupError):
        fail()
    opened.send("after")
    assert [each.sender for each in sent] == ["inside"]


def test_only_the_named_signals_are_captured():
    """Signals that were not named are not captured."""
    other = Signal()
    with capture(opened) as sent:
        other.send("web")
    assert not sent


def test_all_signals_are_captured():
    """Without a signal every one is captured, those made inside the block included."""
    with capture() as sent:
        opened.send("web")
        Signal(name="shop.closed").send("web")
        paid.send("web", order_id=1)
    assert [each.signal.name for each in sent] == ["shop.opened", "shop.closed", paid.name]


def test_sends_of_one_signal():
    """`of` returns the sends of one signal."""
    with capture(opened, paid) as sent:
        opened.send("web")
        paid.send("web", order_id=1)
        opened.send("phone")
    assert [each.sender for each in sent.of(opened)] == ["web", "phone"]
    assert [each.keywords["order_id"] for each in sent.of(paid)] == [1]


def test_a_signal_given_twice_is_captured_once():
    """Naming a signal twice does not double its sends."""
    with capture(opened, opened) as sent:
        opened.send("web")
    assert len(sent) == 1
    assert plain(opened) == ()


def test_defaults_of_a_declared_signal_are_captured():
    """The captured keywords include the defaults of a declared signal."""
    with capture(paid) as sent:
        paid.send("web", order_id=1)
    assert sent[0].keywords == {"order_id": 1, "amount": Decimal(0)}


def test_a_refused_send_is_not_captured():
    """A send with a wrong keyword."""
    with capture(paid) as sent, pytest.raises(ArgumentError):
        paid.send("web", order=1)  # type: ignore[call-arg]
    assert not sent


def test_an_error_is_captured():
    """A send that raises has the error, and the responses before it."""
    error = LookupError("no such order")
    opened.connect(first := answering(1))
    opened.connect(raising(error))
    opened.connect(answering(3))
    with capture(opened) as sent, pytest.raises(LookupError):
        opened.send("web")
    assert sent[0].error is error
    assert sent[0].responses == [(first, 1)]


def test_error_in_a_robust_send_is_a_response():
    """The send itself has no error."""
    error = LookupError("no such order")
    opened.connect(failing := raising(error))
    with capture(opened) as sent:
        opened.send_robust("web")
    assert sent[0].responses == [(failing, error)]
    assert sent[0].error is None


def test_nested_sends_are_in_order_of_their_beginning():
    """The send of a receiver follows the send that called it."""

    def pay(sender, **kwargs):
        paid.send(sender, order_id=1)

    opened.connect(pay)
    with capture() as sent:
        opened.send("web")
        opened.send("phone")
    assert [each.signal for each in sent] == [opened, paid, opened, paid]


def test_running_send_is_captured():
    """Inside a receiver, with the responses so far."""
    seen = []

    def look(**kwargs):
        seen.append(list(sent[0].responses))

    opened.connect(first := answering(1))
    opened.connect(look)
    with capture(opened) as sent:
        opened.send("web")
    assert seen == [[(first, 1)]]


def test_sends_of_other_threads_are_captured():
    """While the block is open."""
    threads = [threading.Thread(target=opened.send, args=(number,)) for number in range(8)]
    with capture(opened) as sent:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {each.sender for each in sent} == {*range(8)}


def test_sends_of_concurrent_tasks_are_captured():
    """Each has its own responses."""

    async def receive(sender, **kwargs):
        await asyncio.sleep(0)
        return sender

    async def main():
        await asyncio.gather(*(opened.asend(number) for number in range(4)))

    opened.connect(receive)
    with capture(opened) as sent:
        asyncio.run(main())
    assert [(each.sender, each.responses) for each in sent] == [
        (number, [(receive, number)]) for number in range(4)
    ]


def test_captures_nest():
    """Each has the sends of its own block."""
    with capture(opened) as outer:
        opened.send(1)
        with capture() as inner:
            opened.send(2)
        opened.send(3)
    assert [each.sender for each in outer] == [1, 2, 3]
    assert [each.sender for each in inner] == [2]


def test_capture_can_be_entered_again():
    """It keeps its sends, and adds new ones."""
    sent = Capture(opened)
    for sender in "ab":
        with sent:
            opened.send(sender)
    assert [each.sender for each in sent] == ["a", "b"]


def test_keywords_are_those_of_the_send():
    """A receiver that changes its keywords does not change them."""

    def tamper(**kwargs):
        kwargs.clear()

    opened.connect(tamper)
    with capture(opened) as sent:
        opened.send("web", at=9)
    assert sent[0].keywords == {"at": 9}


def test_capture_is_a_sequence():
    """Index, slice, length, iteration and reversal work."""
    with capture(opened) as sent:
        assert not sent
        for sender in "abc":
            opened.send(sender)
    assert len(sent) == 3
    assert [each.sender for each in sent] == ["a", "b", "c"]
    assert [each.sender for each in reversed(sent)] == ["c", "b", "a"]
    assert sent[-1].sender == "c"
    assert [each.sender for each in sent[:2]] == ["a", "b"]
    assert sent[1] in sent


def test_repr():
    """It shows every send; pytest prints it."""
    with capture() as sent:
        opened.send("web", at=9)
        opened.send(None)
        paid.send(Decimal, order_id=1)
    assert repr(sent) == (
        "<Capture of [shop.opened by 'web': at=9, shop.opened, "
        f"{paid.name} by decimal.Decimal: amount=Decimal('0'), order_id=1]>"
    )


def test_long_values_are_shortened():
    """A long value does not hide the rest, and a broken repr raises nothing."""

    class Broken:
        def __repr__(self):
            raise RuntimeError

    with capture(opened) as sent:
        opened.send("web", page="x" * 5000, broken=Broken(), last=1)
    assert len(repr(sent[0])) < 300
    assert repr(sent[0]).endswith("last=1")


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ("order_paid", "a str"),
        (echo, "tests.core.receivers.echo"),
        ([opened], "a list"),
        (None, "None"),
    ],
)
def test_other_objects_are_refused(wrong, name):
    """The message names the object."""
    with pytest.raises(
        ArgumentError, match=r"is not a signal that Clarion dispatches\. Give a"
    ) as refused:
        capture(wrong)
    assert str(refused.value).startswith(f"{name} is not a signal")


def test_of_refuses_another_signal():
    """`of` refuses a signal that is not captured."""
    with capture(paid) as sent:
        opened.send("web")
    with pytest.raises(ArgumentError, match=r"Signal shop\.opened is not captured here"):
        sent.of(opened)


def test_signals_are_not_watched_after_the_block():
    """A send only calls its receivers again."""
    opened.connect(echo)
    before = opened._table.instruments, instrument.everywhere
    with capture(opened), capture():
        assert plain(opened) is None
    assert plain(opened) == (echo,)
    assert (opened._table.instruments, instrument.everywhere) == before


def test_other_signals_keep_their_routes():
    """Only captured signals rebuild theirs."""
    other = Signal()
    other.connect(echo)
    route = other._table.find_route(None)
    with capture(opened):
        assert other._table.find_route(None) is route
