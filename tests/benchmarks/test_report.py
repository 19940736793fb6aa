"""The table of the results."""

import pytest

from benchmarks.cases import Case
from benchmarks.peers import Clarion, Library, Pure
from benchmarks.report import (
    Report,
    Row,
    aligned,
    duration,
    facts,
    markdown,
    number,
    spread,
    terminal,
)
from benchmarks.timing import Ratio


class Peer(Library):
    """A library beside Clarion."""

    name = "Peer"
    distribution = "a-dispatcher-that-does-not-exist"
    module = "clarion"


def row(ratio, target=1.05, peer=None, pure=None):
    """Return a measured row."""
    ratios = {"Clarion": ratio, "pure Python": pure}
    ratios = {name: each for name, each in ratios.items() if each is not None}
    if peer is not None:
        ratios["Peer"] = peer
    case = Case("send, 1 receiver", "hand loop", target, lambda libraries: [])
    return Row(case, ratios, seconds=2e-7)


@pytest.fixture
def report():
    """Return the report of one row, on a quiet machine."""
    made = Report([Clarion(), Pure(), Peer()])
    calm = Ratio(1.0, 0.99, 1.01, 100)
    made.rows = [row(calm, peer=Ratio(4.0, 3.9, 4.1, 100), pure=Ratio(2.0, 1.9, 2.1, 100))]
    made.noise = [row(Ratio(1.0, 0.99, 1.01, 100))]
    return made


def test_cells_of_a_row(report):
    """A row gives name, measure, baseline's time, target, verdict, our ratios and the peers'."""
    assert report.header() == ["measured", "divided by", "takes", "target", "reached",
                               "Clarion", "pure Python", "Peer"]  # fmt: skip
    assert report.cells(report.rows[0]) == [
        "send, 1 receiver", "hand loop", "200 ns", "1.05", "yes", "1.00 [0.99-1.01]",
        "2.00", "4.00",
    ]  # fmt: skip


def test_missing_figures_are_dashes(report):
    """A case that a library cannot express, and a missing target, are dashes."""
    report.rows = [Row(row(None, target=None).case, problem="no integration")]
    assert report.cells(report.rows[0])[2:] == ["-"] * 6
    assert "Not measured: send, 1 receiver: no integration" in report.remarks()


def test_without_the_compiled_one_pure_python_is_judged(report):
    """Its column stays empty, the verdict applies to pure Python, and a remark has the reason."""
    report = Report([Pure(), Peer()], "there was no compiler")
    report.rows = [row(None, pure=Ratio(2.0, 1.9, 2.1, 100))]
    assert report.cells(report.rows[0])[4:] == ["no", "-", "2.00 [1.90-2.10]", "-"]
    assert any("there was no compiler" in line for line in report.remarks())


def test_a_noisy_run_begins_with_a_warning(report):
    """A noisy report begins with a warning in bold."""
    report.noise.append(row(Ratio(1.0, 0.8, 1.2, 100)))
    shown = markdown(report).split("<!-- figures -->")[1].strip()
    assert shown.startswith("- **THE MACHINE WAS TOO NOISY")


def test_the_peers_are_named_with_their_versions(report):
    """The facts contain Clarion's version once, and each peer's."""
    line = facts(report.libraries)[-1]
    assert line.startswith("Clarion ")
    assert line.endswith(" beside Peer from a checkout")
    assert "pure" not in line


def test_target_missed_and_unsure(report):
    """The verdict follows the median, its doubt and the machine's bias."""
    assert report.reached(row(None), Ratio(1.3, 1.29, 1.31, 100)) == "no"
    report.noise = [row(Ratio(1.2, 1.2, 1.2, 100))]
    assert report.bias == pytest.approx(0.2)
    assert report.reached(row(None), Ratio(1.1, 1.09, 1.11, 100)) == "unsure"


def test_noise_is_the_first_remark(report):
    """The first remark is about a noisy machine."""
    assert report.remarks()[0].startswith("Quiet enough")
    report.noise.append(row(Ratio(1.0, 0.8, 1.2, 100)))
    assert report.remarks()[0].startswith("THE MACHINE WAS TOO NOISY")
    assert "[0.80-1.20]" in report.remarks()[2]


def test_terminal_and_markdown_show_the_same(report):
    """The terminal and Markdown show every cell."""
    text, document = terminal(report), markdown(report)
    for cell in report.header() + report.cells(report.rows[0]):
        assert cell in text
        assert cell in document
    assert "| send, 1 receiver | hand loop |" in document
    assert "CPython" in text


def test_columns_are_aligned():
    """Words are aligned to the left, figures to the right, below their headings."""
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
    """Ratios have three significant digits."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.5e-8, "25 ns"), (1.25e-6, "1.25 us"), (0.0123, "12.3 ms"), (2, "2 s"), (None, "-")],
    ids=str,
)
def test_durations_have_their_unit(seconds, text):
    """A duration has a suitable unit."""
    assert duration(seconds) == text


def test_no_ratio_is_a_dash():
    """A missing ratio is a dash."""
    assert spread(None) == "-"
