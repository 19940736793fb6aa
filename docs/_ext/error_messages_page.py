"""The directive `clarion-messages`: the error messages of some packages, read from the source."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from documentation import messages

VERBATIM = {"support_smartquotes": False}  # so that a search finds the quotes and dots as printed


class MessagesDirective(SphinxDirective):
    """Show the messages of a page, one section for each class of error."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the sections, in the order of their names."""
        for path in messages.SOURCE.rglob("*.py"):
            self.env.note_dependency(str(path))
        self.env.note_dependency(str(messages.CAUSES))
        page = self.arguments[0]
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
        return nodes.definition_list("", nodes.definition_list_item("", term, body))

    def _marked_up(self, text: str) -> list[nodes.Node]:
        parts = text.split("`")
        return [
            nodes.literal(part, part) if number % 2 else nodes.Text(part)
            for number, part in enumerate(parts)
        ]


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive to Sphinx."""
    app.add_directive("clarion-messages", MessagesDirective)
    return {"parallel_read_safe": True}
