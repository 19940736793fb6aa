"""The contrast of drawings is computed as WCAG defines it."""

import pytest

from documentation.contrast import contrast, weak


def drawing(*, light="#767676", dark="#949494", kind="faint", style=""):
    """Return an SVG with one text on white paper, or on black in the dark."""
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg">
<style>
svg {{ --paper: #ffffff; --faint: {light}; --run: #0060a8; --on-run: #ffffff; }}
@media (prefers-color-scheme: dark) {{ svg {{ --paper: #000000; --faint: {dark}; }} }}
text {{ fill: var(--faint); }} .paper {{ fill: var(--paper); }}
.run {{ fill: var(--run); }} .on-run {{ fill: var(--on-run); }} {style}
</style>
<rect class="paper"/><text class="{kind}">words</text>
</svg>"""


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("#ffffff", "#000000", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#123456", "#123456", 1.0),
    ],
)
def test_the_contrast_is_that_of_the_standard(one, other, expected):
    """Known pairs have their known contrast, in either order."""
    assert contrast(one, other) == contrast(other, one) == pytest.approx(expected, abs=0.005)


def test_readable_colours_pass():
    """A drawing with enough contrast in both schemes has no finding."""
    assert not [*weak(drawing())]


@pytest.mark.parametrize(
    ("changes", "selector", "scheme"),
    [
        pytest.param({"light": "#999999"}, "text", "light", id="light"),
        pytest.param({"dark": "#444444"}, "text", "dark", id="dark"),
        pytest.param(
            {"kind": "on-run", "style": ".on-run { fill: #4488aa; }"}, ".on-run", "light", id="on"
        ),
        pytest.param({"style": ".arrow { stroke: #dddddd; }"}, ".arrow", "light", id="line"),
    ],
)
def test_weak_colours_are_found(changes, selector, scheme):
    """A planted colour is found, with its place and the scheme."""
    found = [*weak(drawing(**changes))]
    assert (found[0].selector, found[0].scheme) == (selector, scheme)
    assert f"({scheme})" in str(found[0])


def test_decoration_may_be_faint():
    """The lines of a grid carry no meaning."""
    assert not [*weak(drawing(style=".grid { stroke: #eeeeee; }"))]
