"""Run the examples of the documentation as a reader would.

A page is one module, `__main__`, as if a reader pasted it into a file. Its blocks share that
module, and may await at the top level, as in `python -m asyncio`.
"""

import ast
import asyncio
import doctest
import inspect
from pathlib import Path
from types import ModuleType

from sybil import Document, Example, Sybil
from sybil.evaluators.doctest import DocTestEvaluator
from sybil.evaluators.python import pad
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser, SkipParser

AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


class Page(Document):
    """A page and the module of its blocks."""

    def __init__(self, text: str, path: str) -> None:
        super().__init__(text, path)
        self.module = ModuleType("__main__")
        self.namespace = vars(self.module)


def run_block(example: Example) -> None:
    """Run a block of code, on a new event loop if it awaits."""
    source = pad(example.parsed, example.line + example.parsed.line_offset)
    code = compile(source, example.path, "exec", AWAIT, dont_inherit=True)
    waiting = eval(code, example.namespace)  # noqa: S307 - our own pages
    if waiting is not None:
        asyncio.run(waiting)


class Prompt(DocTestEvaluator):
    """Run one `>>>` prompt and compare its output."""

    def __call__(self, example: Example) -> str:
        prompt = example.parsed
        code = compile(prompt.source, "<prompt>", "single", AWAIT, dont_inherit=True)
        if code.co_flags & inspect.CO_COROUTINE:
            # doctest itself would create the coroutine without running it.
            compiled = f"compile({prompt.source!r}, '<prompt>', 'single', {AWAIT})"
            prompt.source = f"__import__('asyncio').run(eval({compiled}, globals()))\n"
        return super().__call__(example)


class BlockParser(PythonCodeBlockParser):
    """Find the `python` blocks: code and `>>>` prompts."""

    def __init__(self) -> None:
        super().__init__()
        self.codeblock_parser = CodeBlockParser("python", run_block)
        self.doctest_parser = DocTestStringParser(Prompt(doctest.ELLIPSIS))


PAGES = Sybil(
    [BlockParser(), SkipParser()],
    pattern="*.md",
    excludes=[
        "docs/tutorial/*/*.md"
    ],  # tests/first_time follows these, with their files and commands
    path=str(Path(__file__).parents[2]),
    document_types={".md": Page},
    fixtures=["page"],
)
