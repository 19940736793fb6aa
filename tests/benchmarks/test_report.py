"""What the table says."""

import pytest

from benchmarks.cases import Case
from benchmarks.peers import Clarion
from benchmarks.report import Report, Row, aligned, duration, markdown, number, spread, terminal
from benchmarks.timing import Ratio


class Peer(Clarion):
    """A library to stand beside Clarion."""

    name = "Peer"


def row(ratio, target=1.05, peer=None):
    """Make a measured row."""
    ratios = {"Clarion": ratio}
    if peer is not None:
        ratios["Peer"] = peer
    case = Case("send, 1 receiver", "hand loop", target, lambda libraries: [])
    return Row(case, ratios, seconds=2e-7)


@pytest.fixture
def report():
    """A run of one row, on a calm machine."""
    made = Report([Clarion(), Peer()])
    made.rows = [row(Ratio(1.0, 0.99, 1.01, 100), peer=Ratio(4.0, 3.9, 4.1, 100))]
    made.noise = [row(Ratio(1.0, 0.99, 1.01, 100))]
    return made


def test_cells_of_a_row(report):
    """A row gives name, measure, baseline's time, target, verdict, our ratio and the peers'."""
    assert report.header() == ["measured", "divided by", "takes", "target", "reached",
                               "Clarion", "Peer"]  # fmt: skip
    assert report.cells(report.rows[0]) == [
        "send, 1 receiver", "hand loop", "200 ns", "1.05", "yes", "1.00 [0.99-1.01]", "4.00",
    ]  # fmt: skip


def test_missing_figures_are_dashes(report):
    """What a library cannot express, or nobody aims at, is a dash."""
    report.rows = [Row(row(None, target=None).case, problem="no door")]
    assert report.cells(report.rows[0])[2:] == ["-"] * 5
    assert "Not measured: send, 1 receiver: no door" in report.remarks()


def test_target_missed_and_unsure(report):
    """The verdict follows the median, its doubt and the machine's bias."""
    assert report.reached(row(None), Ratio(1.3, 1.29, 1.31, 100)) == "no"
    report.noise = [row(Ratio(1.2, 1.2, 1.2, 100))]
    assert report.bias == pytest.approx(0.2)
    assert report.reached(row(None), Ratio(1.1, 1.09, 1.11, 100)) == "unsure"


def test_noise_is_said_plainly(report):
    """A restless machine is named before anything else is remarked."""
    assert report.remarks()[0].startswith("Quiet enough")
    report.noise.append(row(Ratio(1.0, 0.8, 1.2, 100)))
    assert report.remarks()[0].startswith("THE MACHINE WAS TOO NOISY TO TELL")
    assert "[0.80-1.20]" in report.remarks()[2]


def test_terminal_and_markdown_show_the_same(report):
    """Every cell of the table stands in both."""
    text, document = terminal(report), markdown(report)
    for cell in report.header() + report.cells(report.rows[0]):
        assert cell in text
        assert cell in document
    assert "| send, 1 receiver | hand loop |" in document
    assert "CPython" in text


def test_columns_are_aligned():
    """Words stand to the left, figures to the right, under their headings."""
    assert aligned([["a", "b", "c"], ["one", "two", "1.00"]]).splitlines() == [
        "a    b       c",
        "---  ---  ----",
        "one  two  1.00",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.987, "0.99"), (12.34, "12.3"), (1234.5, "1,234")],
    ids=str,
)
def test_numbers_have_three_digits(value, text):
    """Great ratios are not quoted to the hundredth."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.5e-8, "25 ns"), (1.25e-6, "1.25 us"), (0.0123, "12.3 ms"), (2, "2 s"), (None, "-")],
    ids=str,
)
def test_durations_have_their_unit(seconds, text):
    """A time is written in the unit that suits it."""
    assert duration(seconds) == text


def test_no_ratio_is_a_dash():
    """A ratio that was not taken is a dash."""
    assert spread(None) == "-"
