"""Find faults of pages and drawings that Sphinx does not report."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from documentation.contrast import weak

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORDS_OF_A_PAGE = 1200
WORDS_OF_AN_ALT = 4
LOCAL = frozenset({"localhost", "127.0.0.1"})  # a server that the reader runs

FENCE = re.compile(
    r"^([`~]{3,})(?:\{code(?:-block)?\}|(?!\{))[^\n]*\n.*?^\1[`~]*$", re.MULTILINE | re.DOTALL
)
SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
DIRECTIVE = re.compile(
    r"^[`~:]{3,}\{(?:image|figure)\}[^\n]*\n(?P<options>(?::[^\n]*\n)*)", re.MULTILINE
)
TAG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]*)(?:\s+\"[^\"]*\")?\)")
ADDRESS = re.compile(r"\bhttps?:/*[^\s<>\")\]]*")

# A quotation, or a paragraph that is an assignment or a decorator.
PROSE = re.compile(r"<blockquote>|<p>(?:[\w.]+ = [\w.]+\(|@[\w.]+\()[^<]*</p>")


class Fault(NamedTuple):
    """A fault, and where it is."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        """Show it so that an editor can jump to it."""
        return f"{self.path}:{self.line}: {self.text}"


def of_page(path: Path, *, is_built: bool = True) -> Iterator[Fault]:
    """Yield the faults of a page in Markdown.

    Args:
        path: the page.
        is_built: whether Sphinx builds it, and checks its links to other pages.
    """
    source = path.read_text(encoding="utf-8")
    prose = without_code(source)
    if (words := len(source.split())) > WORDS_OF_A_PAGE:
        yield Fault(path, 1, f"{words} words. Divide the page: {WORDS_OF_A_PAGE} are the most.")
    for position, text in [*images(prose), *addresses(prose)]:
        yield Fault(path, prose.count("\n", 0, position) + 1, text)
    for match in LINK.finditer("" if is_built else prose):
        target = match[1].partition("#")[0]
        if target and ":" not in target and not (path.parent / target).exists():
            line = prose.count("\n", 0, match.start()) + 1
            yield Fault(path, line, f"No file {target}.")


def without_code(source: str) -> str:
    """Return the text of a page with spaces instead of its code."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    return SPAN.sub(blank, FENCE.sub(blank, source))


def images(prose: str) -> Iterator[tuple[int, str]]:
    """Yield the images without a text for readers who cannot see them."""
    found = [(each.start(), each[1]) for each in IMAGE.finditer(prose)]
    for each in DIRECTIVE.finditer(prose):
        alt = re.search(r"^:alt:(.*)$", each["options"], re.MULTILINE)
        found.append((each.start(), alt[1] if alt else ""))
    for each in TAG.finditer(prose):
        alt = re.search(r"\balt=\"([^\"]*)\"", each[0])
        found.append((each.start(), alt[1] if alt else ""))
    for position, text in found:
        if len(text.split()) < WORDS_OF_AN_ALT:
            yield position, "An image without alt text. Describe what it shows in a few words."


def addresses(prose: str) -> Iterator[tuple[int, str]]:
    """Yield the addresses that cannot be right."""
    for match in ADDRESS.finditer(prose):
        parts = urlsplit(match[0].rstrip(".,;:"))
        host = parts.hostname or ""
        if host in LOCAL:
            continue
        if not re.fullmatch(r"[\w-]+(\.[\w-]+)+", host):
            yield match.start(), f"{match[0]} names no host."
        elif parts.scheme != "https":
            yield match.start(), f"{match[0]} is not encrypted. Write https."


def of_drawing(path: Path) -> Iterator[Fault]:
    """Yield the faults of an SVG: no title, no description of a complex one, weak colours."""
    source = path.read_text(encoding="utf-8")
    if not re.search(r"<title[^>]*>[^<]", source):
        yield Fault(path, 1, "A drawing without <title>. Name what it shows.")
    yield from (Fault(path, 1, str(each)) for each in weak(source))


def of_stylesheet(path: Path) -> Iterator[Fault]:
    """Yield the colours of a style sheet that are not the theme's, which has two schemes."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if re.search(r":[^;{]*(#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\()", line, re.IGNORECASE):
            yield Fault(path, number, "A colour of its own. Use a variable of the theme.")


def of_built_page(path: Path) -> Iterator[Fault]:
    """Yield the code of a built reference page that is rendered as prose."""
    source = path.read_text(encoding="utf-8")
    for match in PROSE.finditer(source):
        line = source.count("\n", 0, match.start()) + 1
        yield Fault(path, line, "Code is rendered as prose. Indent it, with prose above and below.")
