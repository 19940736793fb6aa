"""The directive `clarion-messages`: the error messages of some packages, read from the source.

The search gets the same messages, so that it finds a pasted one by its text.
"""

import json
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective

from documentation import messages

VERBATIM = {"support_smartquotes": False}  # so that a search finds the quotes and dots as printed
SCORER = Path(__file__).with_name("search_scorer.js")


def anchor_of(message: messages.Message) -> str:
    """Return the anchor of a message in its page."""
    return nodes.make_id(f"{message.kind} {message.problem}")


class MessagesDirective(SphinxDirective):
    """Show the messages of a page, one section for each class of error."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the sections, in the order of their names."""
        for path in messages.SOURCE.rglob("*.py"):
            self.env.note_dependency(str(path))
        self.env.note_dependency(str(messages.CAUSES))
        page = self.arguments[0]
        self._anchors: set[str] = set()
        found = [each for each in messages.messages() if each.page == page]
        kinds = sorted({each.kind for each in found})
        return [self._section(kind, [m for m in found if m.kind == kind]) for kind in kinds]

    def _section(self, kind: str, found: list[messages.Message]) -> nodes.section:
        section = nodes.section(ids=[nodes.make_id(f"{self.arguments[0]}-{kind}")], names=[kind])
        section += nodes.title(kind, "", nodes.literal(kind, kind))
        also = messages.builtin_base_of(kind)
        if also:
            section += nodes.paragraph("", "Also a ", nodes.literal(also, also), nodes.Text("."))
        section += [self._entry(each) for each in found]
        return section

    def _entry(self, message: messages.Message) -> nodes.definition_list:
        body = nodes.definition()
        for text in (message.cause, message.cure):
            if text.strip(messages.GAP):
                body += nodes.paragraph("", "", *self._marked_up(text), **VERBATIM)
        term = nodes.term("", message.problem, **VERBATIM)
        entry = nodes.definition_list_item("", term, body)
        # Two messages that differ only in the cure have one anchor, that of the first.
        new = {anchor_of(message)} - self._anchors
        self._anchors |= new
        return nodes.definition_list("", entry, ids=[*new])

    def _marked_up(self, text: str) -> list[nodes.Node]:
        parts = text.split("`")
        return [
            nodes.literal(part, part) if number % 2 else nodes.Text(part)
            for number, part in enumerate(parts)
        ]


def write_scorer(app: Sphinx, config: Config) -> None:
    """Write the program of the search's order, with all messages before it."""
    found = [
        (f"help/messages/{each.page}", anchor_of(each), each.problem)
        for each in messages.messages()
    ]
    written = Path(app.doctreedir) / SCORER.name
    written.parent.mkdir(parents=True, exist_ok=True)
    written.write_text(f"const MESSAGES = {json.dumps(found)};\n{SCORER.read_text()}")
    config.html_search_scorer = str(written)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive to Sphinx."""
    app.add_directive("clarion-messages", MessagesDirective)
    app.connect("config-inited", write_scorer)
    return {"parallel_read_safe": True}
