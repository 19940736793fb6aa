"""Durations, as a person writes and reads them."""

from datetime import UTC, datetime, timedelta

import pytest

from clarion.errors import ArgumentError
from clarion.outbox.ages import milliseconds, shown, since


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90_000), ("30m", 1_800_000), ("12 h", 43_200_000), ("7d", 604_800_000), ("0s", 0)],
)
def test_an_age_is_read(text, expected):
    """A number with a unit is read as milliseconds."""
    assert milliseconds(text) == expected
    assert milliseconds("2w") == 2 * milliseconds("7d")


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "1.5d", "7 days", "9999999d", "٣d", "7d8h"])
def test_another_text_is_refused(text):
    """Other text is refused; the message has examples and does not contain the text."""
    with pytest.raises(ArgumentError, match="90s, 30m, 12h, 7d or 2w"):
        milliseconds(text)


def test_a_duration_is_shown_in_its_largest_unit():
    """A duration is shown in whole units of the largest kind."""
    assert shown(timedelta(seconds=59)) == "59 s"
    assert shown(timedelta(minutes=119)) == "1 h"
    assert shown(timedelta(days=8)) == "1 w"
    assert shown(timedelta()) == "0 s"


def test_a_moment_is_shown_by_its_distance():
    """A moment is shown as past, now or to come, with its distance."""
    now = datetime.now(UTC)
    assert since(now - timedelta(hours=3), now) == "3 h ago"
    assert since(now + timedelta(minutes=5), now) == "in 5 min"
    assert since(now, now) == "now"
    assert since(datetime.now(UTC)) == "now"
