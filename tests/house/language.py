"""Find prose that is not plain: `python -m tests.house.language [PATH ...]`.

Without a path it reads what `CHECKED` lists. It prints `file:line: turn: the sentence`.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.house.prose import READERS

ROOT = Path(__file__).parents[2]
CHECKED = (
    *("src", "tests", "tools", "benchmarks", "examples"),
    *("docs", "changelog.d", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"),
)
WORDS_OF_A_SENTENCE = 30

PARTICIPLE = r"(?!wrong|called\b)(?:\w{2,}ed|\w+(?:tten|wn|ught|ade|eft|ept|ent|aken|iven)|sent|set|held|put|read)"
VERB = r"(?:is|are|was|were|has|have|had|does|do|can|cannot|could|may|must|will|would|should)"
NOUN_PHRASE = (
    r"(?:(?:this|that|these|those|nothing|none|all)"
    r"|(?:no|each|every|all|an?|the|its|their|\w+s)(?: (?!that|which|who|where|when|it|they)[^\s,.;:]+){0,5}?)"
)


class Turn(NamedTuple):
    """A pattern of words that the house does not use, and the plain words for it."""

    name: str
    pattern: str
    plain: str


TURNS = (
    Turn("tell", r"\b(tell|tells|told|telling)\b", "return, raise, report, notify, distinguish"),
    Turn("hear", r"\b(hear|hears|heard|hearing|unheard)\b", "receive, listen, be called"),
    Turn("whoever", r"\b(who|whom|whose|whoso)\s?ever\b", "the caller, code that, a user who"),
    Turn("nobody", r"\b(no|some|any|every)body('s)?\b", "no receiver, the caller, user code"),
    Turn("ever", r"\bever\b(?! more)", "leave it out"),
    Turn(
        "for = because",
        rf"[,;:] for (it|they|he|she|we|you|there|nothing|none)\b(?! (and|or)\b)"
        rf"|[,;:] for {NOUN_PHRASE} {VERB}\b(?! when)",
        "because",
    ),
    Turn("of what", r"\bof what\b", "name the thing"),
    Turn(
        "what is + participle",
        rf"^\W*what (?:is|was|were|has been) (?:not )?{PARTICIPLE}\b[^?]* {VERB}\b",
        "name the thing: the changes, the arguments",
    ),
    Turn("have X do", r"^have (?!you)\w+", "make, cause, or the verb itself"),
    Turn("be done with", r"\b(be|is|are|was|were|been|being)\s+done\s+with\b", "finish, discard"),
    Turn("stand for", r"\b(stand|stands|stood|standing)\s+for\b", "represent, replace"),
    Turn("go along", r"\b(go|goes|went|gone|going)\s+along\b", "use, follow, be passed"),
    Turn("mind", r"\bminded\b|\b(not|never|nor) mind\b|\bminds\b", "check, allow"),
    Turn("due", r"\b(is|are|was|were|be|been|being|falls?|fell)\s+due\b(?! to)", "pending, wait"),
    Turn("amid", r"\bamid(st)?\b", "during, while"),
    Turn("dear", r"\bdear(er|est|ly)?\b", "expensive, slow"),
    Turn("lest", r"\blest\b", "so that ... not"),
    Turn("thus", r"\b(thus|hence|whence|thereby|wherein|whereupon|be it|be they)\b", "so"),
    Turn("to be had", r"\bto be had\b", "available"),
    Turn("had better", r"\bhad better\b", "should"),
    Turn(
        "there is none",
        r"\b(there is|there are|there was|were there|is there) none\b",
        "no X exists",
    ),
    Turn("door", r"\bdoors?\b", "integration, transaction provider"),
    Turn("room", r"\brooms?\b(?! for)", "package, module, layer"),
    Turn("road", r"\broads?\b|\btravel(s|led|ling)?\b|\bway (in|out)\b(?! which)", "path"),
    Turn("kept loop", r"\bkept loops?\b|\bloop that is kept\b", "the thread's event loop"),
    Turn("outlive", r"\boutlast(s|ed)?\b", "run longer than, remain after"),
)
PATTERNS = tuple((turn, re.compile(turn.pattern, re.IGNORECASE)) for turn in TURNS)


class Permission(NamedTuple):
    """A sentence that may stay, found by words in it, and the reason."""

    path: str
    words: str
    reason: str


EXCEPTIONS: tuple[Permission, ...] = ()


class Finding(NamedTuple):
    """A sentence to rewrite."""

    path: str
    line: int
    turn: str
    sentence: str

    def __str__(self) -> str:
        """Show it so that an editor can jump to it."""
        return f"{self.path}:{self.line}: {self.turn}: {self.sentence}"


def turns_in(sentence: str) -> Iterator[str]:
    """Yield the name of each banned turn in a sentence."""
    yield from (turn.name for turn, pattern in PATTERNS if pattern.search(sentence))


def findings(path: Path) -> Iterator[Finding]:
    """Yield the sentences of a file that need rewriting, without the exceptions."""
    name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
    source = path.read_text(encoding="utf-8")
    found: set[Finding] = set()
    for block in READERS[path.suffix](source):
        for line, sentence in block.sentences():
            turns = [*turns_in(sentence)]
            if (words := sentence.words()) > WORDS_OF_A_SENTENCE:
                turns.append(f"{words} words")
            if not any(name == p.path and p.words in sentence.shown for p in EXCEPTIONS):
                found.update(Finding(name, line, turn, sentence.shown) for turn in turns)
    yield from sorted(found)


def files(paths: Iterable[str]) -> Iterator[Path]:
    """Yield the files with prose, those in folders too."""
    for path in map(Path, paths):
        inside = path.resolve().rglob("*") if path.is_dir() else [path.resolve()]
        yield from sorted(p for p in inside if p.suffix in READERS)


def main(paths: list[str]) -> bool:
    """Print the findings and return whether there are any."""
    found = [finding for path in files(paths) for finding in findings(path)]
    sys.stdout.writelines(f"{finding}\n" for finding in found)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or [str(ROOT / name) for name in CHECKED]))
