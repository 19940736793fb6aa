"""Was it sent? And if not, what was?"""

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
    """Return what the assertion says when it fails."""
    with pytest.raises(NotSentError) as failed:
        assert_sent(*args, **kwargs)
    return str(failed.value)


def test_it_returns_what_matches(sent):
    """The sends that match are returned, for a closer look."""
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
def test_what_was_sent_is_found(sent, kwargs):
    """A send may have more keywords than were named; text senders match by equality."""
    assert_sent(sent, opened, **kwargs)


def test_any_asks_the_expectation():
    """The wanted value is compared first, so that `ANY` matches what equals nothing."""

    class Aloof:
        def __eq__(self, other):
            return False

        __hash__ = None  # type: ignore[assignment]

    with capture(opened) as sent:
        opened.send("web", order=Aloof())
    assert_sent(sent, order=ANY)


def test_a_send_by_nobody_in_particular_can_be_asserted(sent):
    """`sender=None` means the sender None, not any sender."""
    assert "by None" in failure(sent, opened, sender=None)
    with capture(opened) as unsigned:
        opened.send(None)
    assert_sent(unsigned, sender=None)


def test_it_works_on_a_part(sent):
    """A list of sends will do, such as a slice of a capture or what `of` gives."""
    assert_sent(sent[2:], closed)
    assert_sent(sent.of(opened), sender="phone", times=1)
    assert failure(sent[2:], opened).startswith("Expected a send of shop.opened, at least once;")


def test_it_works_inside_the_block():
    """What has been sent so far can be asserted while the capture is open."""
    with capture(paid) as sent:
        paid.send("web", order_id=1)
        assert_sent(sent, order_id=1)


def test_the_failure_is_an_assertion():
    """pytest and unittest see a failure, and code that catches Clarion's errors sees one."""
    assert issubclass(NotSentError, AssertionError)
    assert issubclass(NotSentError, ClarionError)


def test_the_failure_shows_the_nearest(sent):
    """The message tells what was wanted, the nearest sends first, and how each differs."""
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
    """Of many sends only the three nearest are shown."""
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
    """When nothing was captured, the message asks where the sending code runs."""
    with capture(opened) as sent:
        pass
    assert failure(sent, at=9) == (
        "Expected a send with at=9, at least once; found 0 among 0 captured.\n"
        "Is the signal sent inside the block?"
    )


@pytest.mark.parametrize(
    ("times", "said"), [(0, "never"), (1, "exactly once"), (3, "exactly 3 times")]
)
def test_the_failure_tells_how_often(sent, times, said):
    """Sent too often, or not often enough: the message says how often, and shows the matches."""
    text = failure(sent, opened, times=times)
    assert text.startswith(f"Expected a send of shop.opened, {said}; found 2 among 3 captured.\n")
    assert text.count("    matches") == 2


def test_of_a_signal_that_is_not_captured_nothing_is_asserted(sent):
    """Not even that it was not sent: that would hold whatever happened."""
    with pytest.raises(ArgumentError, match=r"Signal shop\.paid is not captured here"):
        assert_sent(sent, paid, times=0)


def test_every_signal_can_be_asserted_of_a_capture_of_all():
    """A capture of all signals has something to say of each."""
    with capture() as sent:
        pass
    assert_sent(sent, paid, times=0)


def test_a_forgotten_capture_is_refused():
    """Giving the signal where the capture belongs is told as such."""
    with pytest.raises(ArgumentError, match="which is not a capture"):
        assert_sent(opened, at=9)  # type: ignore[arg-type]


@pytest.mark.parametrize("part", [True, False])
def test_a_wrong_signal_is_refused(sent, part):
    """What is no signal was never sent, and that is no failure of the program under test."""
    with pytest.raises(ArgumentError, match="is no signal"):
        assert_sent(sent[:] if part else sent, Order)  # type: ignore[arg-type]
