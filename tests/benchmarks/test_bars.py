"""The bars of the most important sends."""

from xml.dom.minidom import parseString

import pytest

from benchmarks.bars import LONGEST, SHOWN, WIDTH, bars, x
from benchmarks.cases import Case
from benchmarks.peers import PEERS, Clarion, Pure
from benchmarks.report import Report, Row
from benchmarks.timing import Ratio


@pytest.fixture
def drawing():
    """Return the parsed drawing of three cases, one of which is not shown."""
    report = Report([Clarion(), Pure(), *(peer() for peer in PEERS)])
    for name in (*SHOWN[:2], "import clarion"):
        case = Case(name, "hand loop", None, lambda libraries: [])
        medians = {"Clarion": 0.5, "Django": 4.0, "psygnal": 15.0}
        ratios = {library: Ratio(each, each, each, 9) for library, each in medians.items()}
        report.rows.append(Row(case, ratios))
    return parseString(bars(report))  # noqa: S318 - this program has written it


def test_each_library_has_a_bar_in_each_case(drawing):
    """Two cases and three libraries are six bars, on one ground."""
    kinds = [each.getAttribute("class") for each in drawing.getElementsByTagName("rect")]
    assert kinds == ["paper", *["ours", "peer", "peer"] * 2]


def test_a_bar_is_as_long_as_its_ratio():
    """Bars begin at 0; a very long one ends at the border."""
    assert x(4) - x(0) == pytest.approx(2 * (x(2) - x(0)), abs=0.11)
    assert x(15) == x(LONGEST) < WIDTH


def test_the_figures_are_in_the_text(drawing):
    """A reader who cannot see the bars gets the same figures."""
    (words,) = drawing.getElementsByTagName("desc")
    assert "send, no receiver: Clarion 0.50, Django 4.00, psygnal 15.0." in words.firstChild.data
    assert "import" not in words.firstChild.data
