"""The stored results are read again."""

import pytest

from benchmarks import __main__ as program
from benchmarks import stored
from benchmarks.bars import bars
from benchmarks.chart import chart


@pytest.fixture
def report():
    """Return the stored report."""
    return stored.read(program.RESULTS.read_text())


def test_the_table_is_read(report):
    """The table of the report is the table that was read."""
    stored_cells = [*stored.cells(program.RESULTS.read_text())]
    again = report.table()
    takes = stored_cells[0].index("takes")  # is not read, because no drawing shows it
    assert len(again) == len(stored_cells) - 1 > 20
    for line, kept in zip(again, [stored_cells[0], *stored_cells[2:]], strict=True):
        del line[takes], kept[takes]
        line[takes + 1] = kept[takes + 1]  # depends on the rounds of the run
        assert line == kept


def test_the_noise_is_read(report):
    """The warning is drawn from what is stored, too."""
    assert report.is_noisy == ("TOO NOISY" in program.RESULTS.read_text())
    assert len(report.noise) == program.RESULTS.read_text().count("- Noise:")


def test_the_drawings_are_of_these_figures(report):
    """Both drawings were made from the stored table, by the code as it is."""
    assert program.CHART.read_text() == chart(report)
    assert program.BARS.read_text() == bars(report)


def test_what_is_no_ratio_is_refused():
    """A cell that is no figure is an error."""
    with pytest.raises(ValueError, match="'much' is no ratio"):
        stored.ratio("much")
