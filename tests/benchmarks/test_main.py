"""The command line of the benchmarks; nothing here asserts a time."""

import pytest

from benchmarks import __main__ as program
from benchmarks import timing
from benchmarks.cases import Case, Pair, UnavailableError, every

HASTY = timing.Effort(rounds=2, fewest=2, sample=1e-6, patience=60.0)


@pytest.fixture(autouse=True)
def short(monkeypatch, tmp_path):
    """Measure for a short time, and do not overwrite the stored results."""
    monkeypatch.setattr(timing, "SHORT", HASTY)
    monkeypatch.setattr(timing, "FULL", HASTY)
    monkeypatch.setattr(program, "RESULTS", tmp_path / "results.md")
    monkeypatch.setattr(program, "CHART", tmp_path / "results.svg")
    monkeypatch.setattr(program, "BARS", tmp_path / "summary.svg")


@pytest.fixture
def one_case(monkeypatch):
    """Leave one case only."""
    (case,) = [case for case in every() if case.name == "send, no receiver"]
    monkeypatch.setattr(program, "every", lambda: [case])


def test_list_names_the_cases(capsys):
    """--list names each case and its baseline, and measures nothing."""
    assert program.main(["--list", "--only", "send, no receiver"]) == 0
    assert capsys.readouterr().out == "send, no receiver / empty method call\n"


def test_a_pattern_that_matches_nothing_is_refused(capsys):
    """--only with a pattern that matches no case is refused."""
    assert program.main(["--only", "no such case"]) == 2
    assert "--list" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--short"], ["--only", "send, no receiver"]], ids=str)
@pytest.mark.usefixtures("one_case")
def test_a_partial_run_is_not_stored(capsys, arguments):
    """A short or partial run does not overwrite the results."""
    assert program.main(arguments) == 0
    assert "send, no receiver" in capsys.readouterr().out
    assert not program.RESULTS.exists()
    assert not program.CHART.exists()


@pytest.mark.usefixtures("one_case")
def test_a_full_run_is_stored(capsys):
    """A full run writes the table as Markdown, and both charts."""
    assert program.main([]) == 0
    assert "results.md" in capsys.readouterr().out
    assert "| send, no receiver |" in program.RESULTS.read_text()
    assert "send, no receiver" in program.CHART.read_text()
    assert "send, no receiver" in program.BARS.read_text()


def test_an_unavailable_case_has_a_remark():
    """A case that cannot be measured has a row with the reason."""

    def build(libraries):
        raise UnavailableError("no integration")

    row = program.measure(Case("a", "b", 1.0, build), (), HASTY)
    assert row.problem == "no integration"
    assert row.ratios == {}


def test_slow_pairs_are_timed_apart():
    """The rounds of slow libraries are timed one library after the other."""
    log = []

    def run(name):
        def run(times):
            log.append(name)
            return 1.0 * times

        return run

    pairs = [Pair("Clarion", run("a"), run("b"), work=2.0), Pair("Peer", run("c"), run("b"))]
    row = program.compared(Case("a", "b", 1.0, lambda _: pairs, slow=True), pairs, HASTY)
    assert row.ratios["Clarion"].median == 0.5
    assert row.ratios["Peer"].median == 1.0
    assert row.seconds == 1.0
    assert "c" not in log[: log.index("c")]
    assert "a" not in log[log.index("c") :]
