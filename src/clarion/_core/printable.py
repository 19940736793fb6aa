"""Text without the characters that control a terminal."""

from __future__ import annotations

from unicodedata import category

# Control characters, invisible ones that change the direction, surrogates, line separators.
_ESCAPED = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def safe(text: str) -> str:
    r"""Return text of one line, with each control character as an escape such as `\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(each) if category(each) in _ESCAPED else each for each in text)


def safe_lines(text: str) -> str:
    """Return text of several lines, with each other control character as an escape."""
    return "\n".join(safe(line.expandtabs(4)) for line in text.split("\n"))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
