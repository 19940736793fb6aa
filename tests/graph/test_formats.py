"""The formats."""

import pytest

from clarion.errors import ArgumentError
from clarion.graph import draw
from clarion.graph.formats import FORMATS


def test_every_format_draws(shop):
    """Each as text that ends with a line break; Mermaid is the default."""
    drawn = {form: draw(shop, form) for form in FORMATS}
    assert len({*drawn.values()}) == 4
    assert all(each.endswith("\n") for each in drawn.values())
    assert draw(shop) == drawn["mermaid"]


def test_an_unknown_format_is_refused(shop):
    """The message lists the formats."""
    with pytest.raises(ArgumentError, match=r"as 'png'. The formats are: mermaid, dot, json, svg"):
        draw(shop, "png")
