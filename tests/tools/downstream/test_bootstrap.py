"""A suite from beginning to end, in each mode."""

import os
import subprocess
import sys

import pytest

from downstream.inside import bootstrap
from downstream.outcomes import read_run

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
failed = Runner(verbosity=0).run_tests([])
Test.test_twice = Test.test_it
sys.exit(failed or Runner(verbosity=0).run_tests([]))
"""

DJANGO = """
import django
from django.conf import settings

def pytest_configure():
    settings.configure(INSTALLED_APPS=("django.contrib.contenttypes",))
    django.setup()
"""

TESTS = """
import pytest

def test_good(): ...
def test_bad(): raise LookupError("because")
def test_skipped(): pytest.skip("not here")
@pytest.mark.xfail
def test_known(): raise LookupError

@pytest.fixture
def broken():
    yield
    raise LookupError("teardown")

def test_broken(broken): ...
"""

OUTCOMES = {
    "test_a.py::test_good": "passed",
    "test_a.py::test_bad": "failed",
    "test_a.py::test_skipped": "skipped",
    "test_a.py::test_known": "passed",
    "test_a.py::test_broken": "failed",
    "test_b.py::import": "failed",
}

SAVES = """
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.orm.events import SessionEvents

class Base(DeclarativeBase): ...

class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)

def save():
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Order())
        session.commit()
    engine.dispose()

def test_one():
    save()
    SessionEvents._clear()  # as tests of SQLAlchemy do

def test_two(): save()
"""


@pytest.fixture
def run(tmp_path):
    """Run a suite in the folder of the test; return the run."""

    def run(mode, *command):
        outcome, log = tmp_path / "outcome.json", tmp_path / "log"
        environ = {name: text for name, text in os.environ.items() if "DJANGO" not in name}
        done = subprocess.run(
            [sys.executable, bootstrap.__file__, mode, outcome, *command],
            check=False,
            timeout=60,
            cwd=tmp_path,
            env=environ,
            capture_output=True,
        )
        log.write_bytes(done.stdout + done.stderr)
        return read_run(mode, outcome, log, done.returncode)

    return run


@pytest.mark.parametrize("mode", ["plain", "install", "app"])
def test_a_script_runs_in_its_mode(tmp_path, run, mode):
    """Both of its runs are recorded, with whether Clarion was active."""
    pytest.importorskip("django")
    (tmp_path / "runtests.py").write_text(RUNTESTS)
    done = run(mode, "runtests.py", "--parallel=1", "a_package")
    assert done.fault == ""
    assert [test["outcome"] for test in done.tests.values()] == ["passed", "passed"]


@pytest.mark.parametrize("mode", ["plain", "install", "app"])
def test_pytest_runs_in_its_mode(tmp_path, run, mode):
    """Each test has one outcome, and a file that cannot be imported has one too."""
    pytest.importorskip("django")
    (tmp_path / "conftest.py").write_text(DJANGO)
    (tmp_path / "test_a.py").write_text(TESTS)
    (tmp_path / "test_b.py").write_text("import no_such_module")
    done = run(mode, "-m", "pytest", "-p", "no:django", "--continue-on-collection-errors")
    assert done.fault == ""
    assert {name: test["outcome"] for name, test in done.tests.items()} == OUTCOMES
    assert "because" in done.tests["test_a.py::test_bad"]["detail"]


def test_receivers_stay_although_the_suite_removes_listeners(tmp_path, run):
    """The listeners are attached again before the next test."""
    pytest.importorskip("sqlalchemy")
    (tmp_path / "test_a.py").write_text(SAVES)
    done = run("receivers", "-m", "pytest", "-p", "no:django")
    assert done.fault == ""
    assert [test["outcome"] for test in done.tests.values()] == ["passed", "passed"]
    assert (done.sends["pre_save"], done.sends["post_save"]) == (2, 2)
