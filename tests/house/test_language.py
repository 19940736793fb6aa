"""Is the prose plain, and does the checker find what is not?"""

import re
from itertools import chain
from pathlib import Path
from textwrap import dedent

import pytest

from tests.house.language import CHECKED, EXCEPTIONS, ROOT, TURNS, files, findings, main, turns_in
from tests.house.tree import relative

# Files that are still to be rewritten. The list only shrinks: remove a file when it is clean.
UNFINISHED: set[str] = set()

PLANTED = {
    "tell": ["It tells the receiver.", "The route was told about it.", "Tell them apart."],
    "hear": ["The sender hears of it.", "A route is heard.", "Receivers that hear everything."],
    "whoever": ["Whoever holds the lock waits.", "It calls whomever it finds."],
    "nobody": ["Nobody listens.", "If somebody waits.", "It is everybody's.", "Anybody may."],
    "ever": ["Each sender it has ever seen.", "Django sends, as ever.", "It waits for ever."],
    "for = because": [
        "The call is dropped, for it was rolled back.",
        "Only a note, for the connection is still checked out.",
        "By hand, for a chain may be long.",
        "It runs at once, for no transaction was open.",
        "Without it, for that is what Django does.",
        "Any, for frameworks have types of their own.",
        "Nothing is checked, for nothing will await there.",
    ],
    "of what": ["The names of what was sent."],
    "what is + participle": ["What is compiled is built with the package."],
    "have X do": ["Have a receiver called at each send."],
    "be done with": ["The call is done with."],
    "stand for": ["The text stands for the class.", "It stood for a call."],
    "go along": ["A name that goes along."],
    "mind": ["It does not mind the order.", "A session that minds."],
    "due": ["A call that is due.", "It falls due at the commit."],
    "amid": ["It changes amid a send."],
    "dear": ["The lock is dear.", "A route is dearer.", "It costs dearly."],
    "lest": ["Locked, lest it changes."],
    "thus": ["It is thus sent.", "Hence the lock.", "A route, be it a new one."],
    "to be had": ["The lock is not to be had."],
    "had better": ["The caller had better wait."],
    "there is none": ["It waits where there is none."],
    "door": ["The Django door.", "Doors open."],
    "room": ["A lower room reaches for it."],
    "road": ["The longer road.", "An error travels on.", "The way out."],
    "kept loop": ["The kept loop runs it."],
    "outlive": ["A sender outlasts its thread."],
}

PLAIN = [
    "The session discards the call because its transaction was rolled back.",
    "Return the receivers for a sender.",
    "A bucket for each sender, for any sender, and for the classes that have subclasses.",
    "An event loop of one thread, for the sends that need one and have none.",
    "Wait, for a minute at most, until the lock is free.",
    "A block, for programs that have several.",
    "Test what is sent.",
    "The way in which it is sent.",
    "The route is never built twice; however many receivers there are, every one is called.",
    "Whatever the receiver returns is its response.",
    "The commit is due to the block.",
    "Return whether the sender stands in a table.",
    "Have you connected the receiver?",
    "What was sent?",
    "It is done.",
]

LONG = "a " * 31


def found_in(path, source):
    """Return the (line, turn) pairs of a file with this source."""
    path.write_text(dedent(source))
    return [(line, turn) for _, line, turn, _ in findings(path)]


def test_every_turn_is_tried():
    """Each entry of the table has a sentence that it finds."""
    assert [turn.name for turn in TURNS] == [*PLANTED]


@pytest.mark.parametrize(
    ("turn", "sentence"), [(turn, text) for turn, texts in PLANTED.items() for text in texts]
)
def test_turn_is_found(turn, sentence):
    """A planted turn is found, under its own name only."""
    assert [*turns_in(sentence)] == [turn]


@pytest.mark.parametrize("sentence", PLAIN)
def test_plain_sentence_passes(sentence):
    """A plain sentence has no finding."""
    assert not [*turns_in(sentence)]


def test_python_prose_is_read(tmp_path):
    """Docstrings, comments and messages are read; code and other strings are not."""
    found = found_in(
        tmp_path / "module.py",
        '''
        """A module.

        Nobody reads it.
        """
        tell = "nobody"  # Told here.
        assert tell != "told"


        # It is read
        # amid a block.
        def hear(nobody):
            """Do it.

            Args:
                nobody: who `tells` it.
                other: what it hears.
            """
            if nobody:
                raise ValueError(f"{nobody} is " "told. " f"Whoever: {tell}")
            log.warning("dear %s", nobody)
            return "nobody is told"
        ''',
    )
    assert found == [
        (4, "nobody"),
        (6, "tell"),
        (10, "amid"),
        (17, "hear"),
        (20, "tell"),
        (20, "whoever"),
        (21, "dear"),
    ]


def test_c_comments_are_read(tmp_path):
    """Both kinds of comment in C are read, and no string."""
    found = found_in(
        tmp_path / "send.c",
        """
        /* Nobody
         * hears. */
        char *told = "/* told */"; // it is told
        """,
    )
    assert found == [(2, "hear"), (2, "nobody"), (4, "tell")]


def test_markdown_prose_is_read(tmp_path):
    """Paragraphs, headings, items and cells are read; code and link targets are not."""
    found = found_in(
        tmp_path / "page.md",
        """
        # Hear of it

        See [the door](nobody.md) and `told`.
        It is dear.

        ```python
        told = "nobody"
        ```

            told = "nobody"

        - Lest it fails.

            Thus it is.

        | a | amid |
        """,
    )
    assert found == [
        (2, "hear"),
        (4, "door"),
        (5, "dear"),
        (13, "lest"),
        (15, "thus"),
        (17, "amid"),
    ]


def test_long_sentences_are_found(tmp_path):
    """A sentence has 30 words at most; a code span is one, an item is a sentence."""
    page = tmp_path / "page.md"
    assert found_in(page, f"It is {LONG}.") == [(1, "33 words")]
    assert not found_in(page, f"It is `{LONG}`.")
    assert not found_in(page, f"- {LONG[:40]}\n- {LONG[:40]}\n")
    assert not found_in(page, f"{LONG[:40]}. {LONG[:40]}. asyncio {LONG[:20]}.")
    source = f'"""Do it.\n\nArgs:\n    one: {LONG[:40]}\n    two: {LONG[:40]}\n"""\n'
    assert not found_in(tmp_path / "module.py", source)


def test_it_prints_what_it_finds(tmp_path, capsys):
    """The checker prints file, line, turn and sentence, and reports whether there is any."""
    page = tmp_path / "page.md"
    page.write_text("It calls `send`.\nNobody receives `it`.")
    assert main([str(tmp_path)])
    assert capsys.readouterr().out == f"{page}:2: nobody: Nobody receives `it`.\n"
    page.write_text("It calls `send`.")
    assert not main([str(tmp_path)])


def test_exceptions_are_needed():
    """Each exception names a sentence that is still there, and a reason."""
    for permission in EXCEPTIONS:
        assert permission.words in (ROOT / permission.path).read_text()
        assert permission.reason


TREE = [*files([str(ROOT / name) for name in CHECKED])]
TESTS = [path for path in TREE if path.is_relative_to(ROOT / "tests") and path.suffix == ".py"]
TESTS.remove(Path(__file__))  # it plants such names
RIDDLE = re.compile(
    r"(\A|_)(who|whom|whoever|(no|some|any|every)body|tells?|told|hears?|amid|travels?)(_|\Z)"
)


def test_the_prose_is_plain():
    """No file has a finding, except those that are still to be rewritten, which have some."""
    found = {relative(path): [*findings(path)] for path in TREE}
    finished = [of for path, of in found.items() if path not in UNFINISHED]
    lines = [str(finding) for finding in chain.from_iterable(finished)]
    assert not lines, "\n" + "\n".join(lines)
    clean = [path for path in UNFINISHED if not found[path]]
    assert not clean, "These files are clean. Remove them from UNFINISHED."


def test_the_names_of_tests_are_plain():
    """The functions of a test file have no name that is a riddle."""
    names = [
        (relative(path), name)
        for path in TESTS
        for name in re.findall(r"def (\w+)\(", path.read_text())
    ]
    assert names
    assert not [pair for pair in names if RIDDLE.search(pair[1])]


def test_the_tree_has_all_kinds_of_files():
    """The checker reads modules, C and pages."""
    assert {path.suffix for path in TREE} >= {".py", ".c", ".h", ".md"}
