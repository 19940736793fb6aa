"""Text that a terminal shows and does not obey."""

from clarion._core.printable import safe, safe_lines


def test_control_characters_are_escaped():
    """Control characters, marks of direction and surrogates become escapes."""
    assert safe("\x1b[31m[red]<script>\x9b") == r"\x1b[31m[red]<script>\x9b"
    assert safe("a\nb\r\x00\x7f") == r"a\nb\r\x00\x7f"
    assert safe("\u202egnp.exe\u200b\u2028") == r"\u202egnp.exe\u200b\u2028"
    assert safe("\udc80") == r"\udc80"


def test_other_text_stays():
    """Letters of all languages, and signs, stay as they are."""
    assert safe("Grüße, 東京 😀 [bold] \\x1b") == "Grüße, 東京 😀 [bold] \\x1b"


def test_lines_stay_lines():
    """Text of several lines keeps its line breaks."""
    assert safe_lines("a\n\tb\x1b") == "a\n    b\\x1b"
