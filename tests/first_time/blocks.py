"""Find the files and the commands on a page of the tutorial.

A block with a path as its caption is a whole file. A block of `console` has commands, with the output
of each below it. Its caption, if it has one, names another terminal than the first.
"""

import re
from dataclasses import dataclass, field

CLOSED = re.compile(r"^```(?P<head>[^`\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
CAPTION = re.compile(r"\A:caption: (.*)\n")
OPTIONS = re.compile(r"\A(?::[\w-]+:.*\n)+\n?")
INTERRUPT = "^C"
WITHOUT_EFFECT = {"text", "{toctree}"}  # blocks that a reader only looks at


@dataclass(frozen=True)
class File:
    """A file that the reader writes."""

    line: int
    path: str
    text: str


@dataclass
class Step:
    """A command, or Ctrl+C, or nothing but to look; and what the terminal then shows."""

    line: int
    command: str | None
    output: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Session:
    """Steps in one terminal."""

    line: int
    terminal: str
    steps: list[Step]


def blocks_of(text):
    """Yield the files and sessions of a page, in order.

    Raises:
        ValueError: if a block is neither.
    """
    for match in CLOSED.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        language = match["head"].removeprefix("{code-block}").strip()
        caption = CAPTION.search(match["body"])
        body = OPTIONS.sub("", match["body"]) if match["head"].startswith("{") else match["body"]
        if language == "console":
            first = line + 1 + match["body"].count("\n") - body.count("\n")
            yield Session(line, caption[1] if caption else "", steps_of(body, first))
        elif caption:
            yield File(line, caption[1], body)
        elif language not in WITHOUT_EFFECT:
            raise ValueError(f"line {line}: a block of {language} without the path of its file")


def steps_of(body, first):
    """Return the steps of a console block whose first line has this number."""
    steps = []
    for line, text in enumerate(body.splitlines(), first):
        if text.startswith("$ "):
            steps.append(Step(line, text.removeprefix("$ ")))
        elif text == INTERRUPT:
            steps.append(Step(line, INTERRUPT))
        else:
            if not steps:
                steps.append(Step(line, None))
            steps[-1].output.append(text)
    return steps
