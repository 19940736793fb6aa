"""Compare what a terminal shows with what a page shows.

`...` on a page matches any text, and as a line of its own any number of lines. Times, ages, uids,
processes and versions may differ, and so may colours and the width of columns.
"""

import re

LINES = r"(?:.*\n)*?"
TEXT = r"(?:.|\n)*?"
VARIABLE = {
    r"\x1b\[[\d;]*m": "",  # Flask's server writes colours into a pipe, too
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:,\d{3})?": "TIME",
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}": "UID",
    r"\b\d+ (?:s|min|h) ago\b|(?<=  |, )now\b": "AGE",
    r"\bin \d+\.\d+ ?s\b(?: \(\d+:\d\d:\d\d\))?": "DURATION",  # pytest adds hours after a minute
    r"\bprocess \[\d+\]": "PROCESS",
    r"\bclarion \d+\.\d+\.\d+\b": "VERSION",
    r"[ \t]+(?=\n|\Z)": "",
    r"(?<=\S)[ \t]{2,}": " ",
}


def matches(expected, shown):
    """Return whether a terminal shows what a page shows."""
    lines = without_variables(expected).splitlines(keepends=True)
    pattern = "".join(LINES if line == "...\n" else pattern_of(line) for line in lines)
    return re.fullmatch(pattern, without_variables(shown)) is not None


def pattern_of(line):
    """Return the pattern of a line of a page."""
    return TEXT.join(re.escape(part) for part in line.split("..."))


def without_variables(text):
    """Replace the parts of an output that differ from run to run."""
    text = text.strip("\n") + "\n"
    for pattern, name in VARIABLE.items():
        text = re.sub(pattern, name, text)
    return text
