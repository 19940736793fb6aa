"""The driver of `make downstream`: which pairs, what counts as a regression, what is proof."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

import downstream
import downstream_bootstrap
import pytest
from downstream import Pair, Run, find_pairs, find_regressions, package_of, read_run, tabulate

PYTHONS = {minor: Path(f"python3.{minor}") for minor in (12, 11)}
PAIR = Pair(12, Path("python3.12"), "6.1")


def result(outcome, detail=""):
    return {"outcome": outcome, "seconds": 1.5, "detail": detail}


# --- Which Python with which Django


@pytest.mark.parametrize(
    ("django", "force", "expected"),
    [
        (None, False, ["django5.2-py3.11", "django6.1-py3.12"]),
        ("6.1", False, ["django6.1-py3.12"]),
        ("5.2", True, ["django5.2-py3.11", "django5.2-py3.12"]),
        (None, True, ["django5.2-py3.11", "django6.1-py3.12"]),
    ],
)
def test_pairs_are_those_promised_unless_forced(django, force, expected):
    """Each Python runs the Django promised on it; naming both overrules the promise."""
    assert [pair.name for pair in find_pairs(PYTHONS, django, force=force)] == expected


def test_no_pair_is_said(monkeypatch):
    """A Django that no Python here can run is refused, and the cure is named."""
    monkeypatch.setattr(downstream, "find_by_minor", lambda: {12: Path("python3.12")})
    with pytest.raises(SystemExit, match="--python PATH"):
        downstream.main(["--django", "5.2"])


# --- What counts as a regression


def test_failing_with_clarion_only_is_a_regression():
    """A test that fails on plain Django too is none; one that plain Django has not, is."""
    plain = Run({"a.T.both": result("failed"), "a.T.ours": result("passed")})
    clarion = {
        "a.T.both": result("failed"),
        "a.T.ours": result("failed", "why"),
        "new": result("failed"),
    }
    assert list(find_regressions(plain, Run(clarion))) == [("a.T.ours", "why"), ("new", "")]


def test_a_test_that_is_no_longer_run_is_a_regression():
    """Neither skipping nor losing a test makes a run good."""
    plain = Run(
        {"a.T.lost": result("passed"), "a.T.left": result("passed"), "a.T.s": result("skipped")}
    )
    clarion = Run({"a.T.left": result("skipped", "no"), "a.T.s": result("skipped")})
    found = dict(find_regressions(plain, clarion))
    assert found == {"a.T.lost": "not run\n", "a.T.left": "skipped: no"}


def test_a_test_that_clarion_mends_is_no_regression():
    """Passing, or running, what plain Django does not is welcome."""
    plain = Run({"a.T.failed": result("failed"), "a.T.skipped": result("skipped")})
    clarion = Run({"a.T.failed": result("passed"), "a.T.skipped": result("passed")})
    assert not [*find_regressions(plain, clarion)]


# --- What is proof that Clarion carried the run


@pytest.mark.parametrize(
    ("mode", "clarion", "django", "good"),
    [
        ("plain", 0, 3, True),
        ("plain", 1, 2, False),
        ("install", 3, 0, True),
        ("install", 2, 1, False),
        ("app", 0, 3, False),
        ("app", 0, 0, False),
    ],
)
def test_a_run_is_carried_from_its_first_test_to_its_last(tmp_path, mode, clarion, django, good):
    """One test on the wrong dispatcher is a fault, and so is a run without tests."""
    outcome = tmp_path / "outcome.json"
    probes = {"clarion": clarion, "django": django}
    outcome.write_text(json.dumps({"django": "6.1.3", "tests": {}, "probes": probes}))
    assert (read_run(mode, outcome, tmp_path / "log", 1).fault == "") is good


def test_a_run_that_does_not_end_shows_the_end_of_its_log(tmp_path):
    """A suite that dies leaves no outcome: its last lines are the fault."""
    log = tmp_path / "log"
    log.write_text("\n".join(f"line {number}" for number in range(100)))
    fault = read_run("app", tmp_path / "outcome.json", log, -9).fault
    assert fault.startswith("app: no outcome, status -9\nline 40\n")
    assert fault.endswith("line 99")


# --- What is printed


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("signals.tests.SignalTests.test_save", "signals"),
        ("setUpClass (signals.tests.SignalTests)", "signals"),
        ("unittest.loader._FailedTest.dispatch.tests", "dispatch"),
    ],
)
def test_every_name_has_its_package(name, package):
    """Tests, fixtures and modules that could not be imported are counted with their package."""
    assert package_of(name) == package


def test_the_table_counts_by_mode():
    """A line gives the tests, then failures and seconds mode by mode."""
    good, bad = Run({"a.x": result("passed"), "b.x": result("passed")}, "6.1.3"), result("failed")
    runs = {"plain": good, "install": Run({"a.x": bad, "b.x": result("passed")})}
    a, b, together = (line.split() for line in tabulate(PAIR, runs, only_failing=False))
    assert a == ["3.12", "6.1.3", "a", "1", "0/1", "1.5/1.5"]
    assert b == ["3.12", "6.1.3", "b", "1", "0/0", "1.5/1.5"]
    assert together == ["3.12", "6.1.3", "together", "2", "0/1", "3.0/3.0"]
    assert [line.split()[2] for line in tabulate(PAIR, runs, only_failing=True)] == [
        "a",
        "together",
    ]


@pytest.fixture
def drive(monkeypatch, tmp_path, capsys):
    """Run the driver with the runs given; return its status and what it printed."""

    def drive(runs):
        monkeypatch.setattr(downstream, "BUILD", tmp_path)
        monkeypatch.setattr(downstream, "find_by_minor", lambda: {12: Path("python3.12")})
        monkeypatch.setattr(downstream, "prepare", lambda pair, extras: Path("runtests.py"))
        monkeypatch.setattr(downstream, "run_suite", lambda pair, mode, *rest: runs[mode])
        return downstream.main([]), capsys.readouterr().out

    return drive


@pytest.mark.parametrize(("outcome", "status"), [("passed", 0), ("failed", 1)])
def test_the_exit_status_tells_of_regressions(drive, outcome, status):
    """The regression is named with its traceback, once for each mode that has it."""
    runs = {"plain": Run({"a.x": result("passed")}), "install": Run({"a.x": result("passed")})}
    runs["app"] = Run({"a.x": result(outcome, "Traceback!")})
    returned, printed = drive(runs)
    assert returned == status
    assert printed.count("django6.1-py3.12, app: a.x\nTraceback!") == status


def test_a_run_without_outcome_is_reported_once(drive):
    """A suite that died is one fault, not one for each test that it did not reach."""
    runs = dict.fromkeys(downstream.MODES, Run({"a.x": result("passed")}))
    runs["app"] = Run(fault="app: no outcome")
    returned, printed = drive(runs)
    assert returned == 1
    assert "app: no outcome" in printed
    assert "not run\n" not in printed


# --- The bootstrap: what becomes of a test


class Sample(unittest.TestCase):
    """One test of every outcome. Its name keeps pytest from collecting it."""

    __test__ = False

    def good(self): ...

    def bad(self):
        self.fail("because")

    def skipped(self):
        self.skipTest("not here")

    def subtests(self):
        for number in range(3):
            with self.subTest(number=number):
                assert number == 1, f"not {number}"

    @unittest.expectedFailure
    def known(self):
        self.fail("we know")

    @unittest.expectedFailure
    def unexpected(self): ...


class Broken(Sample):
    """No test of this class is reached."""

    @classmethod
    def setUpClass(cls):
        raise LookupError("no fixture")


@pytest.fixture
def record(monkeypatch):
    """Run tests under the Recorder; return what it keeps."""
    monkeypatch.setattr(downstream_bootstrap, "is_installed", lambda: True)

    def run(*tests):
        recorder = downstream_bootstrap.Recorder(
            {}, unittest.runner._WritelnDecorator(Null()), 1, 1
        )
        unittest.TestSuite(tests).run(recorder)
        assert recorder.probes == {"clarion": recorder.testsRun, "django": 0}
        return {name.rpartition(".")[2]: kept for name, kept in recorder.tests().items()}

    return run


class Null:
    def write(self, text): ...
    def flush(self): ...


@pytest.mark.parametrize(
    ("name", "outcome", "detail"),
    [
        ("good", "passed", ""),
        ("bad", "failed", "AssertionError: because"),
        ("skipped", "skipped", "not here"),
        ("subtests", "failed", "AssertionError: not 2"),
        ("known", "passed", ""),
        ("unexpected", "failed", "unexpected success"),
    ],
)
def test_every_outcome_is_kept(record, name, outcome, detail):
    """Each test has one outcome, and the reason for it."""
    kept = record(Sample(name))[name]
    assert kept["outcome"] == outcome
    assert detail in kept["detail"]


def test_all_failing_subtests_are_shown(record):
    """A test with several failing subtests has all their tracebacks."""
    detail = record(Sample("subtests"))["subtests"]["detail"]
    assert "not 0" in detail
    assert "not 2" in detail


def test_a_fixture_that_fails_is_kept(record):
    """A failing class fixture is recorded under its own name; the tests of the class do not run."""
    (kept,) = record(Broken("good")).values()
    assert kept["outcome"] == "failed"
    assert "no fixture" in kept["detail"]


# --- The bootstrap: a suite from beginning to end

RUNTESTS = """
import sys, unittest, django
from django.conf import settings
from django.test.runner import DiscoverRunner

class Test(unittest.TestCase):
    def test_it(self):
        assert DiscoverRunner().get_resultclass() is None, "a runner inside a test is its own"
        assert __name__ == "__main__" and sys.argv[1:] == ["--parallel=1", "a_package"]

class Runner(DiscoverRunner):
    def build_suite(self, *args, **kwargs):
        return unittest.defaultTestLoader.loadTestsFromTestCase(Test)

settings.configure(INSTALLED_APPS=["django.contrib.contenttypes"])
django.setup()
sys.exit(Runner(verbosity=0).run_tests([]) and 1)
"""


@pytest.mark.parametrize("mode", downstream.MODES)
def test_a_suite_runs_in_its_mode(tmp_path, mode):
    """In each mode the outcome contains the active dispatcher."""
    pytest.importorskip("django")
    runtests, outcome = tmp_path / "runtests.py", tmp_path / "outcome.json"
    runtests.write_text(RUNTESTS)
    bootstrap = [sys.executable, downstream_bootstrap.__file__, mode, outcome, runtests]
    subprocess.run([*bootstrap, "--parallel=1", "a_package"], check=True, timeout=60)
    run = read_run(mode, outcome, tmp_path / "log", 0)
    assert run.fault == ""
    assert [test["outcome"] for test in run.tests.values()] == ["passed"]
