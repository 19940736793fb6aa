"""The command line of the benchmarks; nothing here asserts a time."""

import pytest

from benchmarks import __main__ as program
from benchmarks import timing
from benchmarks.cases import Case, Pair, UnavailableError, every

HASTY = timing.Effort(rounds=2, fewest=2, sample=1e-6, patience=60.0)


@pytest.fixture(autouse=True)
def hasty(monkeypatch, tmp_path):
    """Spend no time on certainty, and leave the results that are kept alone."""
    monkeypatch.setattr(timing, "SHORT", HASTY)
    monkeypatch.setattr(timing, "FULL", HASTY)
    monkeypatch.setattr(program, "RESULTS", tmp_path / "results.md")
    monkeypatch.setattr(program, "CHART", tmp_path / "results.svg")


@pytest.fixture
def few(monkeypatch):
    """Make one case all there are."""
    (case,) = [case for case in every() if case.name == "send, no receiver"]
    monkeypatch.setattr(program, "every", lambda: [case])


def test_list_names_the_cases(capsys):
    """--list names each case and what it is divided by, and measures nothing."""
    assert program.main(["--list", "--only", "send, no receiver"]) == 0
    assert capsys.readouterr().out == "send, no receiver / empty method call\n"


def test_a_pattern_that_matches_nothing_is_refused(capsys):
    """--only says so when nothing matches."""
    assert program.main(["--only", "no such case"]) == 2
    assert "--list" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--short"], ["--only", "send, no receiver"]], ids=str)
@pytest.mark.usefixtures("few")
def test_a_part_is_printed_and_not_kept(capsys, arguments):
    """What is hasty, or not the whole, overwrites no results."""
    assert program.main(arguments) == 0
    assert "send, no receiver" in capsys.readouterr().out
    assert not program.RESULTS.exists()
    assert not program.CHART.exists()


@pytest.mark.usefixtures("few")
def test_a_full_run_is_kept(capsys):
    """Without arguments the same table is left as Markdown and as a chart."""
    assert program.main([]) == 0
    assert "results.md" in capsys.readouterr().out
    assert "| send, no receiver |" in program.RESULTS.read_text()
    assert "send, no receiver" in program.CHART.read_text()


def test_what_is_unavailable_becomes_a_remark():
    """A case that cannot be measured leaves a row with the reason."""

    def build(libraries):
        raise UnavailableError("no integration")

    row = program.measure(Case("a", "b", 1.0, build), (), HASTY)
    assert row.problem == "no integration"
    assert row.ratios == {}


def test_slow_pairs_are_timed_apart():
    """Where a round takes seconds, one library's rounds do not wait for another's."""
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
