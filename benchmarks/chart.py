"""Draw the results as SVG: one line for each case, one mark for each library.

The chart needs marks along a logarithmic axis, two colour schemes and no script. The code
that draws this is shorter than the use of a plotting library.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import log10
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.report import Report, Row

PLOT, RIGHT = 480, 24
# The widest name decides where the plot begins; a letter of 13 px takes up to so many pixels.
LETTER = 6.9
TOP, LINE, BOTTOM = 92, 34, 40
STEPS = (1, 2, 5)
# The axis covers at least this range.
AT_LEAST = (0.5, 20.0)

# Shapes distinguish the series where colours do not; each is drawn around 0, 0.
MARKS = (
    '<circle r="6"/>',
    '<circle r="4.5" class="hollow"/>',
    '<path d="M0-6 6 0 0 6-6 0z"/>',
    '<path d="M0-6 6 5H-6z"/>',
    '<path d="M-5-5H5V5H-5z"/>',
    '<path d="M-5-5 5 5M-5 5 5-5" class="hollow"/>',
)

HOLLOW = 'class="hollow"'

# The colours are Okabe and Ito's, which colour-blind readers can distinguish, darker on white.
# The background is drawn because the surrounding page may use the other scheme.
STYLE = """\
text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: var(--text); }
.small { font-size: 11px; fill: var(--faint); }
.title { font-size: 15px; font-weight: 600; }
.alarm { font-weight: 600; fill: var(--target); }
.middle { text-anchor: middle; } .end { text-anchor: end; }
.paper { fill: var(--paper); }
.grid { stroke: var(--grid); } .one { stroke: var(--faint); stroke-width: 1.5; }
.target { stroke: var(--target); stroke-width: 2.5; }
.mark { stroke: var(--paper); stroke-width: 0.8; }
.mark .hollow { fill: none; stroke-width: 2.4; }
"""
LIGHT = {
    "paper": "#ffffff", "text": "#1b1b1b", "faint": "#5c5c5c", "grid": "#e3e3e3",
    "target": "#c0311a", "0": "#0060a8", "1": "#0060a8", "2": "#007a5a",
    "3": "#b06a00", "4": "#a0457a", "5": "#444444",
}  # fmt: skip
DARK = {
    "paper": "#131416", "text": "#eeeeee", "faint": "#a8a8a8", "grid": "#34363a",
    "target": "#ff8a70", "0": "#56b4e9", "1": "#56b4e9", "2": "#2fc79a",
    "3": "#e69f00", "4": "#e58fbe", "5": "#cfcfcf",
}  # fmt: skip


@dataclass(frozen=True)
class Axis:
    """A logarithmic scale between two round numbers."""

    low: float
    high: float
    left: float = 338.0

    @property
    def width(self) -> float:
        """The width of the whole drawing."""
        return self.left + PLOT + RIGHT

    def x(self, value: float) -> float:
        """Return the horizontal position of a ratio."""
        share = log10(value / self.low) / log10(self.high / self.low)
        return round(self.left + share * PLOT, 1)

    def ticks(self) -> list[float]:
        """Return the round numbers on the axis."""
        return [tick for tick in round_numbers() if self.low <= tick <= self.high]


def round_numbers() -> list[float]:
    """Return 1, 2 and 5 times each power of ten that a ratio can reach."""
    return [float(f"{step}e{power}") for power in range(-4, 8) for step in STEPS]


def axis_over(values: Sequence[float], names: Sequence[str] = ()) -> Axis:
    """Return the shortest axis between round numbers that covers all values, beside the names."""
    least, most = min([*values, AT_LEAST[0]]), max([*values, AT_LEAST[1]])
    steps = list(pairwise(round_numbers()))
    low = next(below for below, above in steps if least < above)
    high = next(above for _, above in steps if most <= above)
    return Axis(low, high, 28.0 + round(LETTER * max((len(name) for name in names), default=45)))


def chart(report: Report) -> str:
    """Return the whole report as a drawing."""
    rows = [row for row in report.rows if row.ratios]
    values = [ratio.median for row in rows for ratio in row.ratios.values()]
    targets = [row.case.target for row in rows if row.case.target is not None]
    axis = axis_over([*values, *targets], [row.case.name for row in rows])
    height = TOP + LINE * len(rows) + BOTTOM
    drawn = [name for name in report.columns if any(name in row.ratios for row in rows)]
    series = {name: place for place, name in enumerate(report.columns) if name in drawn}
    width = f"{axis.width:g}"
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        "<title>How many times as long as hand-written code</title>",
        f"<style>\n{style()}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
        *head(report, series, axis.width),
        *grid(axis, TOP + LINE * len(rows)),
    ]
    for number, row in enumerate(rows):
        parts += line(row, axis, series, TOP + LINE * number + LINE // 2)
    return "\n".join([*parts, "</svg>", ""])


def style() -> str:
    """Return the style sheet, with the colours of both schemes."""
    light, dark = (
        "svg { " + " ".join(f"--{name}: {colour};" for name, colour in scheme.items()) + " }"
        for scheme in (LIGHT, DARK)
    )
    series = "\n".join(
        f".s{place} {{ fill: var(--{place}); }} .s{place} .hollow {{ stroke: var(--{place}); }}"
        for place in range(len(MARKS))
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n{STYLE}{series}\n"


def head(report: Report, series: dict[str, int], width: float) -> list[str]:
    """Draw the title, a warning if the machine was noisy, and the legend."""
    note = "Left is faster; 1 is the baseline in small print. Medians, on a logarithmic axis."
    parts = [text(16, 26, "How many times as long?", "title"), text(16, 46, note, "small")]
    if report.is_noisy:
        parts.append(
            text(width - 16, 26, "The machine was too noisy for reliable figures.", "alarm end")
        )
    x = 22.0
    for name, place in series.items():
        parts += [mark(place, x, 68), text(x + 12, 72.5, name)]
        x += 36 + 7.2 * len(name)
    return [*parts, target(x, 68), text(x + 10, 72.5, "target")]


def grid(axis: Axis, bottom: int) -> list[str]:
    """Draw the vertical lines and their numbers."""
    parts = []
    for tick in axis.ticks():
        x = axis.x(tick)
        kind = "one" if tick == 1 else "grid"
        parts.append(f'<path class="{kind}" d="M{x} {TOP}V{bottom}"/>')
        parts.append(text(x, bottom + 18, f"{tick:,g}", "small middle"))
    return parts


def line(row: Row, axis: Axis, series: dict[str, int], y: int) -> list[str]:
    """Draw one case: its name, its target, and the marks."""
    parts = [
        text(16, y - 1, row.case.name),
        text(16, y + 12, f"divided by: {row.case.measure}", "small"),
    ]
    if row.case.target is not None:
        parts.append(target(axis.x(row.case.target), y))
    # Clarion's mark covers the peers', and hollow marks are on top.
    for name, place in sorted(
        series.items(), key=lambda each: (HOLLOW in MARKS[each[1]], -each[1])
    ):
        if name in row.ratios:
            parts.append(mark(place, axis.x(row.ratios[name].median), y))
    return parts


def mark(place: int, x: float, y: float) -> str:
    """Draw the mark of a series."""
    shape = place % len(MARKS)
    return f'<g class="mark s{shape}" transform="translate({x:g} {y:g})">{MARKS[shape]}</g>'


def target(x: float, y: float) -> str:
    """Draw a target: a mark on it, or to the left of it, has reached it."""
    return f'<path class="target" d="M{x:g} {y - 11:g}v22"/>'


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """Draw text."""
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{attribute}>{escape(words)}</text>'
