"""The age of a send, as a person writes it."""

import pytest

from clarion.errors import ArgumentError
from clarion.outbox.ages import milliseconds


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
