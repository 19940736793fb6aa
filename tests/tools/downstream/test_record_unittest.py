"""The outcome of each test of Django's runner."""

import unittest

import pytest

from downstream.inside.record_unittest import Recorder


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
def record():
    """Run tests under the Recorder; return what it keeps."""

    def run(*tests):
        stream = unittest.runner._WritelnDecorator(Null())
        recorder = Recorder([], lambda: True, stream, 1, 1)
        unittest.TestSuite(tests).run(recorder)
        assert recorder.probes == {"with": recorder.testsRun, "without": 0}
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
