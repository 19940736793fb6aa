"""A wrong example in the documentation fails."""

import re
import sys
from pathlib import Path
from unittest import SkipTest

import pytest
from sybil.example import SybilFailure

from tests.docs.pages import PAGES, Page

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial"  # tests/first_time lets no block of it escape
PUBLISHED = [
    ROOT / "README.md",
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if not path.is_relative_to(TUTORIAL)),
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the text of a page, block by block; return its module."""

    def run(text):
        path = tmp_path / "page.md"
        path.write_text(text)
        page = PAGES.parse(path)
        assert isinstance(page, Page)
        monkeypatch.setitem(sys.modules, "__main__", page.module)
        for example in page.examples():
            example.evaluate()
        return page.module

    return run


def block(*lines, language="python"):
    return "\n".join([f"```{language}", *lines, "```", ""])


def test_blocks_share_one_module(run):
    """A later block uses the names of an earlier one, in a module called __main__."""
    page = run(block("def f(): ...") + "text\n" + block("import sys", "name = f.__module__"))
    assert page.name == "__main__"
    assert page.sys.modules["__main__"] is page


def test_plain_block_that_raises_fails(run):
    """The exception of a block is the exception of its test."""
    with pytest.raises(ZeroDivisionError):
        run(block("1 / 0"))


def test_prompt_that_prints_something_else_fails(run):
    """The output of a prompt is compared."""
    run(block(">>> 1 + 1", "2"))
    with pytest.raises(SybilFailure, match=r"Got:\n +2"):
        run(block(">>> 1 + 1", "3"))


def test_plain_block_may_await(run):
    """An await at the top level runs to its end."""
    page = run(block("import asyncio", "got = await asyncio.sleep(0, 'slept')"))
    assert page.got == "slept"


def test_prompt_may_await(run):
    """An await at a prompt runs too, and its result is compared."""
    awaiting = block(">>> import asyncio", ">>> await asyncio.sleep(0, 'slept')", "'slept'")
    run(awaiting)
    with pytest.raises(SybilFailure):
        run(awaiting.replace("'slept'\n", "'woke'\n"))


def test_skip_says_why(run):
    """A skipped block is reported with the reason that the page gives."""
    with pytest.raises(SkipTest, match="needs a broker"):
        run('<!-- skip: next "needs a broker" -->\n' + block("1 / 0"))


def awaits_outside_a_function(code):
    """Return whether a block of code, or of prompts, is no Python without a running event loop."""
    prompts = re.findall(r"^(?:>>>|\.\.\.) (.*)$", code, re.MULTILINE)
    try:
        compile("\n".join(prompts) if prompts else code, "<block>", "exec")
    except SyntaxError as error:
        return "outside" in str(error)
    return False


def test_a_page_that_awaits_outside_a_function_says_where_to_run_it():
    """A file and a plain prompt of Python refuse such a line."""
    awaiting = []
    for path in PUBLISHED:
        text = path.read_text()
        blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        if "decisions" not in path.parts and any(map(awaits_outside_a_function, blocks)):
            awaiting.append(path.name)
            assert re.search("python -m asyncio|Jupyter", text), path
    assert "run-after-the-commit.md" in awaiting
    assert "sync-and-async.md" not in awaiting


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_block_escapes(path):
    """Every block of Python says `python`, and every skip gives its reason in quotes."""
    text = path.read_text()
    assert not re.findall(r"^ *(?:```|~~~) *\{?(?!python$)(?:py|ipy|code).*$", text, re.MULTILINE)
    assert not re.findall(r"^.*\bskip: *(?:next|start)\b(?! \"[^\"]+\").*$", text, re.MULTILINE)
