"""Names for a drawing."""

import pytest

from clarion.graph.labels import printable, shortened, split_name


def test_control_characters_are_escaped():
    """Other text stays as it is."""
    assert printable("a\x1b\n\u202eb\ud800") == r"a\x1b\n\u202eb\ud800"
    assert printable("caf\N{LATIN SMALL LETTER E WITH ACUTE}") == "café"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shop.models.Order", ("Order", "shop.models")),
        ("Order", ("Order", "")),
        ("'web.v1'", ("'web.v1'", "")),
        ("partial(shop.mail)", ("partial(shop.mail)", "")),
    ],
)
def test_a_name_is_split_at_its_last_dot(name, expected):
    """A text in quotes and a partial stay whole."""
    assert split_name(name) == expected


def test_a_long_name_loses_its_middle():
    """It never becomes longer than allowed."""
    assert shortened("a" * 10, 10) == "a" * 10
    assert shortened("abcdefghijk", 10) == "abcd…ghijk"
    assert len(shortened("b" * 100, 11)) == 11
