"""What a run recorded, and what counts as a regression."""

import json

import pytest

from downstream.outcomes import Run, find_regressions, package_of, read_run


def result(outcome, detail=""):
    return {"outcome": outcome, "seconds": 1.5, "detail": detail}


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
    probes = {"with": clarion, "without": django}
    outcome.write_text(json.dumps({"tests": {}, "probes": probes}))
    assert (read_run(mode, outcome, tmp_path / "log", 1).fault == "") is good


def test_a_run_that_does_not_end_shows_the_end_of_its_log(tmp_path):
    """A suite that dies leaves no outcome: its last lines are the fault."""
    log = tmp_path / "log"
    log.write_text("\n".join(f"line {number}" for number in range(100)))
    fault = read_run("app", tmp_path / "outcome.json", log, -9).fault
    assert fault.startswith("app: no outcome, status -9\nline 40\n")
    assert fault.endswith("line 99")


# --- Known differences

KNOWN = {"a.py::T::test_counts": "It counts statements."}


def test_a_known_difference_is_no_regression():
    """Its name covers all its parameters."""
    names = ["a.py::T::test_counts[1]", "a.py::T::test_counts[2]"]
    plain = Run(dict.fromkeys(names, result("passed")))
    clarion = Run({names[0]: result("failed"), names[1]: result("passed")})
    assert not [*find_regressions(plain, clarion, KNOWN)]


def test_a_known_difference_that_is_gone_is_a_regression():
    """The list stays true; a test that did not run is left alone."""
    plain = Run({"a.py::T::test_counts[1]": result("passed")})
    ((name, detail),) = find_regressions(plain, plain, KNOWN)
    assert name == "a.py::T::test_counts"
    assert "remove it" in detail
    assert not [*find_regressions(Run(), Run(), KNOWN)]


# --- Packages


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("signals.tests.SignalTests.test_save", "signals"),
        ("setUpClass (signals.tests.SignalTests)", "signals"),
        ("unittest.loader._FailedTest.dispatch.tests", "dispatch"),
        ("test/orm/dml/test_bulk.py::Test::test_it[1]", "test/orm/dml"),
    ],
)
def test_every_name_has_its_package(name, package):
    """Tests, fixtures and modules that could not be imported are counted with their package."""
    assert package_of(name) == package
