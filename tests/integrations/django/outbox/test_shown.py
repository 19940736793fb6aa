"""Stored data as text for a person."""

from clarion.integrations.django.outbox.shown import printable, shown_json


def test_json_is_shown_in_ascii():
    """JSON is shown in ASCII, so that no character can change a terminal."""
    assert shown_json(b'{"a":"\\u001b[2J\xc2\x9b"}') == '{\n  "a": "\\u001b[2J\\u009b"\n}'


def test_damaged_data_is_shown_too():
    """Damaged data is shown as text, without control characters."""
    assert shown_json(b"{\xff\x1b") == "{\xff\\x1b"
    assert shown_json("{\x1b") == "{\\x1b"


def test_control_characters_are_shown_by_their_codes():
    """Control characters are shown by their codes; lines and letters of every language stay."""
    assert printable("ä\n\tb\x1b[2J\u202e\r") == "ä\n    b\\x1b[2J\\u202e\\r"
