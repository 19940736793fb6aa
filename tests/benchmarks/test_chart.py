"""The marks and texts of the chart."""

from xml.dom.minidom import parseString

import pytest

from benchmarks.cases import Case
from benchmarks.chart import LETTER, MARKS, Axis, axis_over, chart
from benchmarks.peers import PEERS, Clarion, Pure
from benchmarks.report import Report, Row
from benchmarks.timing import Ratio


def row(target=1.05, **medians):
    """Return a measured row."""
    ratios = {name: Ratio(median, median, median, 100) for name, median in medians.items()}
    return Row(Case("a < b", "hand loop", target, lambda libraries: []), ratios)


@pytest.fixture
def report():
    """Return the report of two rows, one of them without a target."""
    made = Report([Clarion(), Pure()])
    made.rows = [row(Clarion=1.0, **{"pure Python": 3.0}), row(None, Clarion=2.0)]
    return made


def drawn(report):
    """Return the parsed chart."""
    return parseString(chart(report))  # noqa: S318 - this program has written it


def texts(drawing):
    """Return all texts of the chart."""
    return [each.firstChild.data for each in drawing.getElementsByTagName("text")]


def of_kind(drawing, kind):
    """Return the elements of one class."""
    every = drawing.getElementsByTagName("*")
    return [each for each in every if kind in each.getAttribute("class").split()]


def test_it_is_well_formed(report):
    """The chart is XML, and has the cases, the series and the target."""
    words = texts(drawn(report))
    for word in ("a < b", "divided by: hand loop", "Clarion", "pure Python", "target"):
        assert word in words


def test_every_figure_has_its_mark(report):
    """Each ratio is a mark, and each target a line; one more of each is in the legend."""
    drawing = drawn(report)
    assert len(of_kind(drawing, "mark")) == 3 + 2
    assert len(of_kind(drawing, "target")) == 1 + 1


def test_missing_figures_are_not_in_the_legend(report):
    """Rows and libraries without figures are left out."""
    report.rows = [row(**{"pure Python": 2.0}), row()]
    words = texts(drawn(report))
    assert "Clarion" not in words
    assert words.count("a < b") == 1


def test_noise_is_written_on_it(report):
    """The chart has a warning if the machine was noisy."""
    assert "too noisy" not in chart(report)
    report.noise = [Row(report.rows[0].case, {"": Ratio(1.0, 0.8, 1.2, 100)})]
    assert "The machine was too noisy for reliable figures." in texts(drawn(report))


def test_it_loads_nothing(report):
    """The chart has no script, and no address but the name of the format."""
    drawing = chart(report)
    assert "<script" not in drawing
    assert drawing.count("://") == drawing.count("http://www.w3.org/2000/svg") == 1


def test_every_library_has_a_shape():
    """As many shapes exist as columns."""
    assert len(MARKS) >= len([Clarion, Pure, *PEERS])


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        pytest.param([], 0.5, 20, id="nothing"),
        pytest.param([0.3, 3], 0.2, 20, id="below"),
        pytest.param([1, 20], 0.5, 20, id="on the edge"),
        pytest.param([1, 1503], 0.5, 2000, id="above"),
    ],
)
def test_the_axis_covers_all_values(values, low, high):
    """The axis begins and ends at round numbers around all values, and has a minimum length."""
    assert axis_over(values) == Axis(low, high)


def test_the_plot_begins_beside_the_longest_name():
    """A longer name moves the plot, so that no name is below a mark."""
    name = "SQLAlchemy flush, 10,000 x insert, receivers of another class"
    assert axis_over([1], [name, "send"]).x(0.5) > 16 + LETTER * len(name)
    assert axis_over([1], [name]).width > axis_over([1], ["send"]).width


def test_the_axis_is_logarithmic():
    """Equal ratios are equal distances."""
    axis = Axis(1, 100)
    assert axis.x(10) - axis.x(1) == pytest.approx(axis.x(100) - axis.x(10), abs=0.11)
    assert axis.ticks() == [1, 2, 5, 10, 20, 50, 100]
