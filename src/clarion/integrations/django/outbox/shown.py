"""Stored payloads and errors as text for a person.

They hold what users of the program have sent. A terminal interprets control characters, so none is left;
a page has to escape the text itself.
"""

from __future__ import annotations

import json


def shown_json(data: bytes | str) -> str:
    """Return JSON with indentation, in ASCII; other data as text without control characters."""
    try:
        return json.dumps(json.loads(data), indent=2, ensure_ascii=True)
    except (ValueError, RecursionError):
        return printable(data if isinstance(data, str) else bytes(data).decode("latin-1"))


def printable(text: str) -> str:
    """Return text in which only line ends and printable characters are left as they are."""
    return "".join(
        each if each == "\n" or each.isprintable() else each.encode("unicode_escape").decode()
        for each in text.replace("\t", "    ")
    )
