"""Durations, as a person writes and reads them."""

from datetime import UTC, datetime, timedelta

from clarion.cli.ages import shown, since


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
