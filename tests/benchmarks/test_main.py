"""The command line of the benchmarks; nothing here asserts a time."""

import pytest

from benchmarks import __main__ as program
from benchmarks import timing
from benchmarks.cases import Case, Pair, UnavailableError

HASTY = timing.Effort(rounds=2, fewest=2, sample=1e-6, patience=60.0)


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Spend no time on certainty."""
    monkeypatch.setattr(timing, "SHORT", HASTY)
    monkeypatch.setattr(timing, "FULL", HASTY)


def test_list_names_the_cases(capsys):
    """--list names each case and what it is divided by, and measures nothing."""
    assert program.main(["--list", "--only", "nobody"]) == 0
    assert capsys.readouterr().out == "send, nobody listens / empty method call\n"


def test_a_pattern_that_matches_nothing_is_refused(capsys):
    """--only says so when nothing matches."""
    assert program.main(["--only", "no such case"]) == 2
    assert "--list" in capsys.readouterr().err


def test_one_table_is_printed(capsys, tmp_path, monkeypatch):
    """The cases that match are measured and printed; nothing is written unasked."""
    monkeypatch.setattr(program, "RESULTS", tmp_path / "results.md")
    assert program.main(["--short", "--only", "^send, 5 receivers$"]) == 0
    assert "send, 5 receivers" in capsys.readouterr().out
    assert not program.RESULTS.exists()


def test_results_are_written_when_asked(tmp_path, monkeypatch):
    """--write leaves the same table as Markdown."""
    monkeypatch.setattr(program, "RESULTS", tmp_path / "results.md")
    assert program.main(["--write", "--only", "nobody"]) == 0
    assert "| send, nobody listens |" in program.RESULTS.read_text()


def test_what_is_unavailable_becomes_a_remark():
    """A case that cannot be measured leaves a row with the reason."""

    def build(libraries):
        raise UnavailableError("no door")

    row = program.measure(Case("a", "b", 1.0, build), (), HASTY)
    assert row.problem == "no door"
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
