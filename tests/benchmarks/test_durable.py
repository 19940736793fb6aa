"""The benchmarks of durable receivers; nothing here asserts a time."""

import pytest

from benchmarks.durable import __main__ as program
from benchmarks.durable import measure
from benchmarks.durable.contender import Contender
from benchmarks.durable.contenders import EVERY
from benchmarks.durable.contenders.clarion_worker import ClarionWorker
from benchmarks.durable.measure import Effort, Row
from benchmarks.durable.process import FailedError, Process
from benchmarks.durable.report import Report, merged, section, terminal

HASTY = Effort(sends=20, seconds=0.01, fewest=20, rows=40, runs=1, numbers=2)


@pytest.fixture(autouse=True)
def short(monkeypatch, tmp_path):
    """Measure for a short time, and do not overwrite the stored results."""
    monkeypatch.setattr(program, "SHORT", HASTY)
    monkeypatch.setattr(program, "FULL", HASTY)
    monkeypatch.setattr(program, "RESULTS", tmp_path / "results-durable.md")


@pytest.fixture
def url(tmp_path):
    """The URL of an empty database."""
    return f"sqlite:///{tmp_path}/bench.db"


def only(monkeypatch, *kinds):
    """Leave some contenders."""
    monkeypatch.setattr(program, "EVERY", kinds)


def found(title="Clarion", **facts):
    """Make the row of a contender."""
    return Row(title, **facts)


def test_a_short_run_measures_the_send_the_drain_and_the_latency(capsys, monkeypatch, url):
    """A short run prints every table, and is not stored."""
    only(monkeypatch, ClarionWorker)
    assert program.main([url, "--short"]) == 0
    printed = capsys.readouterr().out
    assert "sends to durable receivers" in printed
    assert "2 workers, 10 keys" in printed
    assert "p99" in printed
    assert "left out" not in printed
    assert not program.RESULTS.exists()


@pytest.mark.parametrize("kind", [each for each in EVERY if "sqlite" in each.dialects], ids=str)
def test_each_contender_can_be_measured(kind, url):
    """A contender whose package is installed has figures; another one has a reason."""
    if kind is ClarionWorker:
        pytest.skip("the short run measures it")
    row = measure.measure(kind, url, HASTY)
    assert bool(row.problem) == bool(kind.missing())
    assert bool(row.publish or row.rates) != bool(row.problem)


def test_a_missing_package_is_named(url):
    """A contender that is not installed is left out, with the name of its package."""

    class Missing(ClarionWorker):
        name = "nobody"
        distribution = "no-such-distribution"

    row = measure.measure(Missing, url, HASTY)
    assert row.problem == "no-such-distribution is not installed"


def test_a_full_run_is_stored(capsys, monkeypatch, url):
    """A full run writes its tables as a section for its database."""
    only(monkeypatch, ClarionWorker)
    monkeypatch.setattr(program, "measure", lambda *_: found(rates={(1, False): 5.0}))
    assert program.main([url]) == 0
    assert "results-durable.md" in capsys.readouterr().out
    assert "## SQLite" in program.RESULTS.read_text()


def test_a_name_that_no_contender_has_is_refused(capsys, url):
    """--only with a name that no contender has measures nothing."""
    assert program.main([url, "--only", "no such contender"]) == 2
    assert "No contender" in capsys.readouterr().err


def test_a_long_run_compares_backlogs(monkeypatch, url):
    """--long adds the rates at two backlogs."""
    only(monkeypatch, ClarionWorker)
    monkeypatch.setattr(program, "LONG_BACKLOGS", (20, 40))
    efforts = []

    def measured(kind, url, effort):
        efforts.append(effort)
        return found()

    monkeypatch.setattr(program, "measure", measured)
    assert program.main([url, "--short", "--long"]) == 0
    assert efforts[0].backlogs == (20, 40)


def test_a_failure_of_a_contender_is_reported(url):
    """The error of a contender's process is raised with its message."""
    process = Process(ClarionWorker, url)
    with pytest.raises(FailedError, match="no such table"):
        process.run("fill", rows=1, keyed=False)


def test_the_ratio_is_that_to_the_transaction_without_a_send():
    """Each cost is divided by that of the same contender, because they are measured in turns."""
    rows = [found("driver", publish=[1e-4, *[None] * 3]), found(publish=[2e-4, *[3e-4] * 3])]
    text = terminal(Report("SQLite 3", rows, (0.1, 0.2)))
    assert "100 us (1.00)" in text
    assert "300 us (1.50)" in text


def test_a_busy_machine_is_said_first():
    """Figures of a machine with other work are not compared between contenders."""
    assert "The machine was busy" in section(Report("SQLite 3", [found()], (0.1, 1e6)))
    assert "The machine was busy" not in section(Report("SQLite 3", [found()], (0.1, 0.2)))


def test_what_is_left_out_is_said():
    """A contender without figures has a line with the reason."""
    text = terminal(Report("SQLite 3", [found("huey", problem="it broke")], (0.1, 0.2)))
    assert "huey is left out: it broke." in text


def test_a_new_section_replaces_that_of_its_database():
    """The results keep one section for each kind of database."""
    first = Report("SQLite 3.1", [found(rates={(1, False): 5.0})], (0.1, 0.2))
    second = Report("PostgreSQL 15", [found(rates={(1, False): 6.0})], (0.1, 0.2))
    third = Report("SQLite 3.2", [found(rates={(1, False): 7.0})], (0.1, 0.2))
    document = merged(merged(merged("", first), second), third)
    assert document.count("\n## ") == 2
    assert section(third) in document
    assert "SQLite 3.1" not in document


def test_every_contender_has_a_name_of_its_own():
    """Names of contenders are unique, as those of their classes."""
    assert len({each.name for each in EVERY}) == len(EVERY)
    assert len({each.__name__ for each in EVERY}) == len(EVERY)
    assert all(issubclass(each, Contender) for each in EVERY)
