"""Text that a terminal shows and does not obey."""

from clarion.cli.text import fold, pretty


def test_a_payload_is_pretty():
    """A payload is JSON with indentation; a damaged one is shown by its bytes."""
    assert pretty(b'{"a": "\\u001b[31m", "b": "\xc3\xbc"}') == (
        '{\n  "a": "\\u001b[31m",\n  "b": "ü"\n}'
    )
    assert pretty(b"\xff{\x1b") == r"\xff{\x1b"


def test_a_name_is_broken_between_its_parts():
    """A line is broken after a dot, an underscore or a space; a word alone is broken anywhere."""
    assert fold("shop.receivers.send_receipt", 16) == ["shop.receivers.", "send_receipt"]
    assert fold("sync, priority 10", 10) == ["sync,", "priority", "10"]
    assert fold("x" * 7, 3) == ["xxx", "xxx", "x"]
    assert fold("a.b", 3) == ["a.b"]
    assert fold("any.unreadably", 9) == ["any.", "unreadabl", "y"]


def test_a_line_is_broken_at_the_clearest_place():
    """A path is broken after a slash, a dotted name after a dot, options after a comma."""
    assert fold("shop/__init__.py:9", 17) == ["shop/__init__.py:", "9"]
    assert fold("receivers/__init__.py:9", 20) == ["receivers/", "__init__.py:9"]
    assert fold("receivers.send_mail_to_all", 20) == ["receivers.", "send_mail_to_all"]
    assert fold("async, priority 10, once", 18) == ["async,", "priority 10, once"]
    assert fold("sync, delivery=on_commit", 18) == ["sync,", "delivery=on_commit"]
