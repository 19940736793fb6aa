"""Programs in processes that are forked from a warm interpreter."""

import pytest

from tests.warm import ROOT, warm_interpreter

PROGRAM = """
import atexit, os, sys
atexit.register(print, "end")
print(*sys.argv, os.getcwd(), sys.path[0], os.environ["ONE"], "HOME" in os.environ)
print("decimal" in sys.modules, "clarion" in sys.modules, __name__ == "__main__", file=sys.stderr)
import clarion
sys.exit(3)
"""


@pytest.fixture(scope="module")
def warm():
    """Start an interpreter that has loaded a module."""
    with warm_interpreter("decimal", "no_such_package", options=("-W", "error")) as found:
        yield found


@pytest.fixture(params=["warm", "measured"])
def environment(request):
    """Return an environment; if coverage is measured, the program has an interpreter of its own."""
    measured = {"COVERAGE_PROCESS_START": ""} if request.param == "measured" else {}
    return {"ONE": "1", "PYTHONPATH": str(ROOT / "src"), **measured}


def test_a_source_runs_as_a_program(warm, environment, tmp_path):
    """It has its arguments, directory, environment, streams and exit code, and loads Clarion itself."""
    for _ in range(2):
        done = warm.run("-c", PROGRAM, "a", "b", cwd=tmp_path, env=environment)
        assert (done.returncode, done.stdout) == (3, f"-c a b {tmp_path}  1 False\nend\n")
        is_warm = "COVERAGE_PROCESS_START" not in environment
        assert done.stderr == f"{is_warm} False True\n"


def test_a_module_runs_as_a_program(warm, environment, tmp_path):
    """A module in its directory is found, and has its name and its arguments."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    done = warm.run("-m", "program", "a", cwd=tmp_path, env=environment)
    assert (done.returncode, done.stdout) == (3, f"{path} a {tmp_path} {tmp_path} 1 False\nend\n")


def test_an_error_ends_a_program(warm, environment, tmp_path):
    """Its traceback is on standard error, and a warning is an error, as the options say."""
    source = "import warnings; warnings.warn('no')"
    done = warm.run("-c", source, cwd=tmp_path, env=environment)
    assert done.returncode == 1
    assert done.stderr.endswith("UserWarning: no\n")


def test_a_signal_ends_a_program(warm, environment, tmp_path):
    """The exit code is that of `subprocess`."""
    source = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert warm.run("-c", source, cwd=tmp_path, env=environment).returncode == -15


def test_a_program_that_takes_long_is_killed(environment, tmp_path):
    """It does not run on when the test has failed."""
    source = "import time; time.sleep(600)"
    with warm_interpreter() as warm, pytest.raises(TimeoutError):  # its end waits for the program
        warm.run("-c", source, cwd=tmp_path, env=environment, timeout=0.1)


def test_a_failed_test_leaves_no_process(tmp_path):
    """The warm interpreter ends with the error of a test; a process left behind warns."""
    with pytest.raises(LookupError), warm_interpreter():
        raise LookupError
