"""Compute the contrast of the texts and lines of a drawing, in both schemes of colour.

The limits are those of WCAG 2.2, level AA: 4.5 for text (1.4.3), and 3 for lines (1.4.11).
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT, LINE = 4.5, 3.0
LINEAR = 0.04045  # up to this share, the luminance of a channel is proportional
WHITE = "#ffffff"
# Lines that carry no meaning, and outlines in the colour of the background.
DECORATION = frozenset({"grid", "mark", "figure"})

RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
DARK = re.compile(r"@media \(prefers-color-scheme: dark\)\s*\{((?:[^{}]+\{[^{}]*\})*)\s*\}")
COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)

Style = dict[str, dict[str, str]]  # the declarations of each selector


class Weak(NamedTuple):
    """A text or a line with too little contrast."""

    scheme: str
    selector: str
    colours: tuple[str, str]
    contrast: float

    def __str__(self) -> str:
        """Say what has to change."""
        colour, ground = self.colours
        return f"{self.selector} is {colour} on {ground} ({self.scheme}): {self.contrast:.1f} to 1"


def weak(drawing: str) -> Iterator[Weak]:
    """Yield the texts and lines of an SVG that have too little contrast."""
    tree = ET.fromstring(drawing)  # noqa: S314 - our own drawings
    style = "".join(each.text or "" for each in tree.findall(".//{*}style"))
    kinds = {kind for each in tree.findall(".//{*}text") for kind in each.get("class", "").split()}
    plain, dark = DARK.sub("", style), "".join(DARK.findall(style))
    for scheme, rules in (("light", plain), ("dark", plain + dark)):
        yield from weak_in(scheme, parsed(rules), {"text", *(f".{kind}" for kind in kinds)})


def weak_in(scheme: str, style: Style, texts: set[str]) -> Iterator[Weak]:
    """Yield what has too little contrast in one scheme."""
    for selector, declared in style.items():
        is_text = selector in texts
        given = declared.get("fill" if is_text else "stroke", "")
        if selector.removeprefix(".") in DECORATION or not (colour := resolve(given, style)):
            continue
        ground = ground_of(selector, style)
        if (found := contrast(colour, ground)) < (TEXT if is_text else LINE):
            yield Weak(scheme, selector, (colour, ground), found)


def parsed(rules: str) -> Style:
    """Return the declarations of each selector; a later rule overrides an earlier one."""
    style: Style = {}
    for selectors, body in RULE.findall(rules):
        pairs = (each.split(":", 1) for each in body.split(";") if ":" in each)
        declared = {name.strip(): value.strip() for name, value in pairs}
        for selector in selectors.split(","):
            style.setdefault(selector.strip(), {}).update(declared)
    return style


def ground_of(selector: str, style: Style) -> str:
    """Return the colour behind a selector: `.on-run` is on `.run`, others on the paper."""
    name = f".{selector.removeprefix('.on-')}" if selector.startswith(".on-") else ".paper"
    behind = style.get(name, {}).get("fill") or style.get("svg", {}).get("background", WHITE)
    return resolve(behind, style) or WHITE


def resolve(value: str, style: Style) -> str:
    """Return the colour of a value, which may be a variable, or "" if it is no colour."""
    if variable := re.fullmatch(r"var\((--[\w-]+)\)", value):
        value = style.get("svg", {}).get(variable[1], "")
    return value if COLOUR.fullmatch(value) else ""


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    ((darker, lighter),) = pairwise(sorted([luminance(one), luminance(other)]))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, as WCAG 2.2 defines it."""
    shares = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (
        share / 12.92 if share <= LINEAR else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
