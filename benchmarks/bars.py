"""Draw the three sends that matter most as bars, small enough for a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.chart import DARK, LIGHT, text
from benchmarks.peers import Pure
from benchmarks.report import number

if TYPE_CHECKING:
    from benchmarks.report import Report, Row

WIDTH = 400
LEFT, RIGHT = 116, 48
TOP, HEAD, LINE = 62, 30, 22
SHOWN = ("send, no receiver", "send, 1 receiver", "send, 5 receivers")
NAMES = {Pure.name: "Clarion, pure"}
LONGEST = 10.0  # longer bars end at the border, because their figure says the rest

TITLE = "How long a send takes"
COLOURS = ("paper", "text", "faint", "grid", "0")
STYLE = """\
text { font: 14px system-ui, "DejaVu Sans", sans-serif; fill: var(--text); }
.small { font-size: 12px; fill: var(--faint); }
.title { font-size: 16px; font-weight: 600; }
.end { text-anchor: end; }
.figure { paint-order: stroke; stroke: var(--paper); stroke-width: 5; }
.paper { fill: var(--paper); }
.ours { fill: var(--0); } .peer { fill: var(--faint); }
.one { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 3 3; }
"""


def bars(report: Report) -> str:
    """Return the bars of a report as a drawing."""
    rows = [row for row in report.rows if row.case.name in SHOWN and row.ratios]
    height = TOP + sum(HEAD + LINE * len(row.ratios) for row in rows) + 8
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{TITLE}</title>",
        f"<desc>{description(rows)}</desc>",
        f"<style>\n{style()}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
        text(12, 26, TITLE, "title"),
        text(12, 46, "Times the baseline in brackets. Shorter is faster.", "small"),
    ]
    y = TOP
    for row in rows:
        parts += group(row, y)
        y += HEAD + LINE * len(row.ratios)
    return "\n".join([*parts, "</svg>", ""])


def style() -> str:
    """Return the style sheet, with the colours of both schemes."""
    light, dark = (
        "svg { " + " ".join(f"--{name}: {scheme[name]};" for name in COLOURS) + " }"
        for scheme in (LIGHT, DARK)
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n{STYLE}"


def description(rows: list[Row]) -> str:
    """Return the figures as a text, for readers who cannot see the bars."""
    return " ".join(
        f"{row.case.name}: "
        + ", ".join(f"{name} {number(ratio.median)}" for name, ratio in row.ratios.items())
        + "."
        for row in rows
    )


def group(row: Row, y: int) -> list[str]:
    """Draw the bars of one case, and a line where the baseline is."""
    one = x(1.0)
    bottom = y + HEAD + LINE * len(row.ratios) - 6
    parts = [text(12, y + 20, f"{row.case.name} ({row.case.measure})", "small")]
    figures = [f'<path class="one" d="M{one:g} {y + HEAD - 4}V{bottom}"/>']
    for place, (name, ratio) in enumerate(row.ratios.items()):
        top = y + HEAD + LINE * place
        kind = "ours" if place == 0 else "peer"
        end = x(ratio.median)
        parts += [
            text(LEFT - 8, top + 12, NAMES.get(name, name), "end"),
            f'<rect class="{kind}" x="{LEFT}" y="{top}" width="{end - LEFT:g}" height="15"/>',
        ]
        figures.append(text(end + 6, top + 12, number(ratio.median), "figure"))
    return [*parts, *figures]


def x(value: float) -> float:
    """Return where a bar of this ratio ends."""
    return round(LEFT + min(value, LONGEST) / LONGEST * (WIDTH - LEFT - RIGHT), 1)
