"""The command line: which suites run, what is printed, and the exit status."""

from pathlib import Path

import pytest

from downstream import __main__ as main
from downstream import django_suite
from downstream.environments import Environment
from downstream.outcomes import Run
from downstream.suite import Suite, tabulate

PYTHONS = {minor: Path(f"python3.{minor}") for minor in (12, 11)}
TABLE = {"releases": {"5.2": [11], "6.1": [12, 13]}}
ENVIRONMENT = Environment("django6.1-py3.12", 12, Path("python3.12"))
MODES = ("plain", "install", "app")


def result(outcome, detail=""):
    return {"outcome": outcome, "seconds": 1.5, "detail": detail}


def suite(**options):
    return Suite("django", "6.1.3", ENVIRONMENT, Path(), (), MODES, **options)


@pytest.mark.parametrize(
    ("django", "force", "expected"),
    [
        (None, False, [("5.2", 11), ("6.1", 12)]),
        ("6.1", False, [("6.1", 12)]),
        ("5.2", True, [("5.2", 11), ("5.2", 12)]),
        (None, True, [("5.2", 11), ("6.1", 12)]),
    ],
)
def test_pairs_are_those_promised_unless_forced(django, force, expected):
    """Each Python runs the Django promised on it; naming both overrules the promise."""
    pairs = django_suite.find_pairs(TABLE, PYTHONS, django, force=force)
    assert [(release, minor) for release, minor, _ in pairs] == expected


def test_no_pair_is_said(monkeypatch):
    """A Django that no Python here can run is refused, and the cure is named."""
    monkeypatch.setattr(main, "find_by_minor", lambda: {12: Path("python3.12")})
    with pytest.raises(SystemExit, match="--python PATH"):
        main.main(["django", "--release", "5.2"])


def test_the_table_counts_by_mode():
    """A line gives the tests, then failures and seconds mode by mode."""
    good, bad = Run({"a.x": result("passed"), "b.x": result("passed")}), result("failed")
    runs = {"plain": good, "install": Run({"a.x": bad, "b.x": result("passed")})}
    by_package = suite(by_package=True)
    a, b, together = (line.split() for line in tabulate(by_package, runs, only_failing=False))
    assert a == ["3.12", "6.1.3", "a", "1", "0/1", "1.5/1.5"]
    assert b == ["3.12", "6.1.3", "b", "1", "0/0", "1.5/1.5"]
    assert together == ["3.12", "6.1.3", "django", "2", "0/1", "3.0/3.0"]
    lines = tabulate(by_package, runs, only_failing=True)
    assert [line.split()[2] for line in lines] == ["a", "django"]


@pytest.fixture
def drive(monkeypatch, tmp_path, capsys):
    """Run the command with one suite, whose runs are given; return status and output."""

    def drive(runs):
        monkeypatch.setattr(main, "BUILD", tmp_path)
        monkeypatch.setattr(main, "find_suites", lambda options, table: [suite()])
        monkeypatch.setattr(Suite, "run", lambda self, mode: runs[mode])
        return main.main(["--short"]), capsys.readouterr().out

    return drive


@pytest.mark.parametrize(("outcome", "status"), [("passed", 0), ("failed", 1)])
def test_the_exit_status_reports_regressions(drive, outcome, status):
    """The regression is named with its traceback, once for each mode that has it."""
    runs = {"plain": Run({"a.x": result("passed")}), "install": Run({"a.x": result("passed")})}
    runs["app"] = Run({"a.x": result(outcome, "Traceback!")})
    returned, printed = drive(runs)
    assert returned == status
    assert printed.count("django6.1-py3.12, app: a.x\nTraceback!") == status


def test_a_run_without_outcome_is_reported_once(drive):
    """A suite that died is one fault, not one for each test that it did not reach."""
    runs = dict.fromkeys(MODES, Run({"a.x": result("passed")}))
    runs["app"] = Run(fault="app: no outcome")
    returned, printed = drive(runs)
    assert returned == 1
    assert "app: no outcome" in printed
    assert "not run\n" not in printed
