"""The prose of a file, in blocks: docstrings, comments, error messages, Markdown."""

import ast
import io
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self

# A code span is one word, whatever it contains; so is what an f-string inserts.
CODE = re.compile(r"(?::[\w:+-]+:)?(?:``.+?``|`[^`]+`)", re.DOTALL)
OPEN, CLOSE = "\ue000", "\ue001"
INSERTED = f"{OPEN}…{CLOSE}"

SECTION = re.compile(
    r"(Args|Arguments|Attributes|Example|Examples|Note|Raises|Returns|See also|Warns|Yields):\Z"
)
ITEM = re.compile(r"^\s*(?:[-*+:]|\d+\.)\s+")
ENTRY = re.compile(r"^\s*\*{0,2}[\w.`]+(?: \([^)]*\))?:(?:\s|\Z)")
TABLE = re.compile(r"\s*[─-╿]|.*\S {3,}\S")  # a tree, or columns: each line for itself
DIRECTIVE = re.compile(r"(noqa|type:|pyright:|mypy:|pragma|ruff:|!|fmt:|-\*-)")
REPORTS = {"warn", "warning", "error", "info", "debug", "exception", "critical", "add_note"}
REPORT = re.compile(r"\w+(Error|Exception|Warning|_note)\Z")
ABBREVIATIONS = r"(?<!\b[A-Z]\.)(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.)(?<!etc\.)(?<!cf\.)"
END = re.compile(rf"[.!?]{ABBREVIATIONS}[\"')*_]*\s+")

Line = tuple[int, str]


class Block(NamedTuple):
    """A paragraph, a list item or an entry: text that sentences do not cross."""

    lines: list[Line]

    def sentences(self) -> "Iterator[tuple[int, Sentence]]":
        """Yield each sentence and the number of its first line."""
        starts, text = [], ""
        for _, line in self.lines:
            starts.append(len(text))
            text += line.strip() + " "
        spans: list[str] = []

        def mask(match: re.Match[str]) -> str:
            spans.append(match[0])
            return OPEN + str(len(spans) - 1).zfill(len(match[0]) - 2) + CLOSE

        masked = CODE.sub(mask, text)
        begin = 0
        for end in [*(match.end() for match in END.finditer(masked)), len(masked)]:
            sentence = masked[begin:end]
            if sentence.strip():
                indent = len(sentence) - len(sentence.lstrip())
                number = self.lines[bisect_right(starts, begin + indent) - 1][0]
                yield number, Sentence(sentence.strip(), spans)
            begin = end


class Sentence(str):
    """A sentence without its code spans; `shown` has them."""

    __slots__ = ("shown",)
    shown: str

    def __new__(cls, masked: str, spans: list[str]) -> Self:
        """Keep the text as it is written beside the text that is searched."""
        sentence = super().__new__(cls, masked)
        sentence.shown = re.sub(
            f"{OPEN}(\\d+){CLOSE}", lambda match: spans[int(match[1])], masked
        ).translate({ord(OPEN): "{", ord(CLOSE): "}"})
        return sentence

    def words(self) -> int:
        """Count the words."""
        return sum(any(c.isalnum() or c == OPEN for c in word) for word in self.split())


def paragraphs(lines: Iterable[Line]) -> Iterator[Block]:
    """Split the lines of a docstring or a comment into blocks."""
    held: list[Line] = []
    section = literal = False
    base = margin = 0
    for number, line in lines:
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if literal and (not text or indent > base):
            continue
        heading = SECTION.match(text)
        section = section and (not text or indent > base)
        entry = section and (indent <= margin or ENTRY.match(line))
        apart = TABLE.match(line) or (not section and indent > base + 4)
        if not text or heading or entry or apart or ITEM.match(line):
            yield Block(held)
            held = []
        if heading:
            section, base, margin = True, indent, indent + 4
        elif text and not text.startswith((">>>", "```", "|", "+-")):
            base = base if section or held else indent
            held.append((number, (ENTRY if entry else ITEM).sub("", line, count=1)))
        literal = text.endswith("::")
        if apart:
            yield Block(held)
            held = []
    yield Block(held)


def dedented(text: str, first: int) -> Iterator[Line]:
    """Number the lines of a docstring, without the indentation of the code around it."""
    lines = text.expandtabs().split("\n")
    margins = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    margin = min(margins, default=0)
    yield first, lines[0].lstrip()
    yield from enumerate((line[margin:] for line in lines[1:]), first + 1)


def messages(node: ast.AST) -> Iterator[Line]:
    """Yield the strings in an expression, an f-string with a mark for each insertion."""
    if isinstance(node, ast.JoinedStr):
        parts = (v.value if isinstance(v, ast.Constant) else INSERTED for v in node.values)
        yield node.lineno, "".join(map(str, parts))
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value
    else:
        for child in ast.iter_child_nodes(node):
            yield from messages(child)


def reported(nodes: Iterable[ast.AST]) -> Iterator[Line]:
    """Yield the text of errors, warnings, notes and log records."""
    seen: set[Line] = set()
    for node in nodes:
        if isinstance(node, ast.Raise) and node.exc:
            found: Iterable[ast.AST] = [node.exc]
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            found = node.args if name in REPORTS or REPORT.match(name) else ()
        else:
            continue
        for part in found:
            seen.update(messages(part))
    yield from seen


def comments(source: str) -> Iterator[list[Line]]:
    """Yield the comments, those on consecutive lines of their own together."""
    block: list[Line] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            text = token.string.lstrip("#").removeprefix(":")
            alone = not token.line[: token.start[1]].strip()
            if not alone or (block and block[-1][0] != token.start[0] - 1):
                yield block
                block = []
            if not DIRECTIVE.match(text.strip()):
                block.append((token.start[0], text.removeprefix(" ").split("# noqa")[0]))
            if not alone:
                yield block
                block = []
    yield block


def python(source: str) -> Iterator[Block]:
    """Yield the blocks of a Python module."""
    nodes = [*ast.walk(ast.parse(source))]
    for node in nodes:
        match node:
            case ast.Expr(ast.Constant(str(text))):
                yield from paragraphs(dedented(text, node.lineno))
    for lines in comments(source):
        yield from paragraphs(lines)
    for number, text in reported(nodes):
        yield from (Block([(number, line)]) for line in text.split("\n") if line.strip())


def c(source: str) -> Iterator[Block]:
    """Yield the comments of a C file, `//` on consecutive lines together."""
    pattern = (
        r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|/\*.*?\*/|(?://[^\n]*(?:\n[ \t]*(?=//))?)+"
    )
    for match in re.finditer(pattern, source, re.DOTALL):
        if match[0].startswith("/"):
            first = source.count("\n", 0, match.start()) + 1
            lines = match[0].removeprefix("/*").removesuffix("*/").split("\n")
            plain = (re.sub(r"^\s*(//|\*(?!\S))? ?", "", line) for line in lines)
            yield from paragraphs(enumerate(plain, first))


FENCE = re.compile(r"\s*(`{3,}|~{3,}|:{3,})")
LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")


def blank(match: re.Match[str]) -> str:
    """Return only the line breaks of a match, so that line numbers stay right."""
    return "\n" * match[0].count("\n")


def markdown(source: str) -> Iterator[Block]:
    """Yield the paragraphs, headings, list items and table cells of a page."""
    source = re.sub(r"<!--.*?-->", blank, source, flags=re.DOTALL)
    source = re.sub(r"\A---\n.*?\n---\n", blank, source, flags=re.DOTALL)
    source = re.sub(LINK, lambda m: m[1] + blank(m), source)
    source = re.sub(r"<https?:[^>]*>|^\[[^\]]+\]:.*$", "", source, flags=re.MULTILINE)
    held: list[Line] = []
    fence = ""
    listed = False
    for number, line in enumerate(source.split("\n"), 1):
        opening = FENCE.match(line)
        if fence:
            fence = "" if line.strip() == fence else fence
            continue
        listed = bool(ITEM.match(line)) or (listed and line[:1] in {"", " "})
        if line.startswith("    ") and not held and not listed:
            continue  # an indented block of code
        row = line.lstrip().startswith("|")
        if not line.strip() or opening or row or line.startswith("#") or ITEM.match(line):
            yield Block(held)
            held = []
        if opening:
            fence = opening[1]
        elif row:
            yield from (Block([(number, cell)]) for cell in re.split(r"(?<!\\)\|", line))
        elif line.startswith("#"):
            yield Block([(number, line.lstrip("#"))])
        elif line.strip():
            held.append((number, ITEM.sub("", line).lstrip("> ")))
    yield Block(held)


READERS = {".py": python, ".pyi": python, ".c": c, ".h": c, ".md": markdown}
