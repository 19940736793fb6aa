"""The tags by which social networks show a link to a page: its title, what it is about, a picture."""

from html import escape
from typing import Any
from urllib.parse import urljoin

from docutils import nodes
from sphinx.application import Sphinx

PICTURE = "_static/social.png"
ALT = "Clarion: Django's signals for every Python program"
LONGEST = 200  # characters of a description


def add_tags(app: Sphinx, *arguments: Any) -> None:
    """Add the tags to the head of a page, unless the page has its own.

    Args:
        app: Sphinx.
        *arguments: the name of the page, its template, its context, and its tree.
    """
    context: dict[str, Any] = arguments[2]
    tree: nodes.document | None = arguments[3]
    if tree is None:  # such as the search
        return
    tags = {
        "og:title": ALT if (title := tree.next_node(nodes.title)) is None else title.astext(),
        "og:type": "website",
        "og:description": description_of(tree),
        "og:image": urljoin(app.config.html_baseurl, PICTURE)
        if app.config.html_baseurl
        else context["pathto"](PICTURE, resource=True),
        "og:image:width": "1200",
        "og:image:height": "630",
        "og:image:alt": ALT,
    }
    own = context.get("metatags", "")
    lines = [
        f'<meta property="{name}" content="{escape(text)}">'
        for name, text in tags.items()
        if f'property="{name}"' not in own
    ]
    lines.append('<meta name="twitter:card" content="summary_large_image">')
    context["metatags"] = "\n".join([own, *lines])


def description_of(tree: nodes.document) -> str:
    """Return the first paragraph of a page, shortened."""
    for paragraph in tree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        return text if len(text) <= LONGEST else f"{text[:LONGEST].rpartition(' ')[0]} …"
    return ALT


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the tags to each page."""
    app.connect("html-page-context", add_tags)
    return {"parallel_read_safe": True}
