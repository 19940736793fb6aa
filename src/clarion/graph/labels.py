"""Names for a drawing: without control characters, and short enough for a box."""

from __future__ import annotations

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def printable(text: str) -> str:
    r"""Return text with each character that is not printed as an escape such as `\x1b`."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def split_name(name: str) -> tuple[str, str]:
    """Return the last part of a dotted name, and the part before it.

    A name that is a text in quotes, or ends with a bracket, stays whole.
    """
    if name[-1:] in {"'", ")"}:
        return name, ""
    before, _, last = name.rpartition(".")
    return last, before


def shortened(text: str, length: int) -> str:
    """Return the text, shortened to this length by an ellipsis in the middle."""
    if len(text) <= length:
        return text
    tail = length // 2
    return f"{text[: length - tail - 1]}{ELLIPSIS}{text[-tail:]}"
