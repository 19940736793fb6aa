"""assert_sent: what it finds, and what it shows if it finds nothing."""

from unittest.mock import ANY

import pytest

from clarion import Signal, signal
from clarion.errors import ArgumentError, ClarionError, NotSentError
from clarion.testing import assert_sent, capture

opened = Signal(name="shop.opened")
closed = Signal(name="shop.closed")


@signal(name="shop.paid")
def paid(sender: object, *, order_id: int) -> None:
    """An order was paid."""


class Order:
    """A sender."""


@pytest.fixture
def sent():
    """Capture three sends of two signals."""
    with capture(opened, closed) as sent:
        opened.send("web", at=9, by="ann")
        opened.send("phone", at=10, by="bob")
        closed.send(Order, at=18)
    return sent


def failure(*args, **kwargs):
    """Return the message of a failing assertion."""
    with pytest.raises(NotSentError) as failed:
        assert_sent(*args, **kwargs)
    return str(failed.value)


def test_matching_sends_are_returned(sent):
    """assert_sent returns the matching sends."""
    assert assert_sent(sent, opened) == [sent[0], sent[1]]
    assert assert_sent(sent, at=18) == [sent[2]]


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"at": 9},
        {"at": 9, "by": "ann"},
        {"sender": "web"},
        {"sender": str(b"web", "ascii"), "at": ANY},
        {"times": 2},
        {"times": 1, "by": "bob"},
        {"times": 0, "by": "eve"},
    ],
    ids=str,
)
def test_matching_send_is_found(sent, kwargs):
    """A send may have more keywords; text senders match by equality."""
    assert_sent(sent, opened, **kwargs)


def test_wanted_value_is_compared_first():
    """So `ANY` matches a value that equals nothing."""

    class Aloof:
        def __eq__(self, other):
            return False

        __hash__ = None  # type: ignore[assignment]

    with capture(opened) as sent:
        opened.send("web", order=Aloof())
    assert_sent(sent, order=ANY)


def test_sender_none_can_be_asserted(sent):
    """`sender=None` is the sender None, not any sender."""
    assert "by None" in failure(sent, opened, sender=None)
    with capture(opened) as unsigned:
        opened.send(None)
    assert_sent(unsigned, sender=None)


def test_list_of_sends_is_accepted(sent):
    """A slice of a capture, for example."""
    assert_sent(sent[2:], closed)
    assert_sent(sent.of(opened), sender="phone", times=1)
    assert failure(sent[2:], opened).startswith("Expected a send of shop.opened, at least once;")


def test_assertion_inside_the_block():
    """It looks at the sends so far."""
    with capture(paid) as sent:
        paid.send("web", order_id=1)
        assert_sent(sent, order_id=1)


def test_the_failure_is_an_assertion():
    """pytest and unittest see a failure, and code that catches Clarion's errors sees one."""
    assert issubclass(NotSentError, AssertionError)
    assert issubclass(NotSentError, ClarionError)


def test_failure_shows_the_most_similar_sends(sent):
    """The message has the wanted send, the most similar ones, and the differences."""
    assert failure(sent, opened, sender="web", at=10, till=20) == (
        "Expected a send of shop.opened by 'web' with at=10, till=20, at least once; "
        "found 0 among 3 captured.\n"
        "The nearest:\n"
        "  shop.opened by 'web': at=9, by='ann'\n"
        "    but at is 9, it has no till\n"
        "  shop.opened by 'phone': at=10, by='bob'\n"
        "    but the sender is 'phone', it has no till\n"
        f"  shop.closed by {__name__}.Order: at=18\n"
        f"    but it is of shop.closed, the sender is {__name__}.Order, at is 18, it has no till"
    )


def test_the_failure_shows_no_more_than_three():
    """Only the three most similar sends are shown."""
    with capture(opened) as sent:
        for at in range(20):
            opened.send("web", at=at, day=at)
    lines = failure(sent, at=7, day=12).splitlines()
    assert lines[0].endswith("found 0 among 20 captured.")
    assert [line for line in lines if "web" in line] == [
        "  shop.opened by 'web': at=7, day=7",
        "  shop.opened by 'web': at=12, day=12",
        "  shop.opened by 'web': at=0, day=0",
    ]


def test_the_failure_of_an_empty_capture_helps():
    """The message asks whether the signal is sent inside the block."""
    with capture(opened) as sent:
        pass
    assert failure(sent, at=9) == (
        "Expected a send with at=9, at least once; found 0 among 0 captured.\n"
        "Is the signal sent inside the block?"
    )


@pytest.mark.parametrize(
    ("times", "said"), [(0, "never"), (1, "exactly once"), (3, "exactly 3 times")]
)
def test_failure_shows_the_number(sent, times, said):
    """The message has both numbers, and the matching sends."""
    text = failure(sent, opened, times=times)
    assert text.startswith(f"Expected a send of shop.opened, {said}; found 2 among 3 captured.\n")
    assert text.count("    matches") == 2


def test_signal_that_is_not_captured_is_refused(sent):
    """Also with times=0, which would always succeed."""
    with pytest.raises(ArgumentError, match=r"Signal shop\.paid is not captured here"):
        assert_sent(sent, paid, times=0)


def test_capture_of_all_signals_accepts_every_signal():
    """A capture of all signals refuses no signal."""
    with capture() as sent:
        pass
    assert_sent(sent, paid, times=0)


def test_a_forgotten_capture_is_refused():
    """A signal in its place is refused."""
    with pytest.raises(ArgumentError, match="which is not a capture"):
        assert_sent(opened, at=9)  # type: ignore[arg-type]


@pytest.mark.parametrize("part", [True, False])
def test_a_wrong_signal_is_refused(sent, part):
    """An object that is not a signal is an error of the test, not a failure."""
    with pytest.raises(ArgumentError, match="is not a signal"):
        assert_sent(sent[:] if part else sent, Order)  # type: ignore[arg-type]


@pytest.mark.parametrize("times", ["1", 1.0, True], ids=type)
def test_a_number_of_times_is_an_integer(sent, times):
    """A `times` that is no integer is an error of the test, not a failure."""
    with pytest.raises(ArgumentError, match="was given times="):
        assert_sent(sent, opened, times=times)
