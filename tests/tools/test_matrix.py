"""The runs of the suite on every interpreter, and their report."""

import sys
from pathlib import Path

import matrix
import pytest

OURS = sys.version_info.minor


# An environment that has only this interpreter.
MAKEFILE = """
.venvs/%/filled:
	@mkdir -p .venvs/$*/bin && ln -s $(PYTHON) .venvs/$*/bin/python && touch $@

.venvs/%/ready: .venvs/%/filled
	@touch $@
"""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Work in a directory whose environments are built immediately."""
    (tmp_path / "Makefile").write_text(MAKEFILE)
    monkeypatch.setattr(matrix, "ROOT", tmp_path)
    monkeypatch.setattr(matrix, "LOGS", tmp_path / "logs")


@pytest.fixture
def plan(checkout, monkeypatch):
    """Return a function that plans one run for each command."""

    def plan(*commands):
        runs = [matrix.Run(f"r{n}", Path(sys.executable), (c,)) for n, c in enumerate(commands)]
        monkeypatch.setattr(matrix, "plan", lambda: runs)

    return plan


def test_every_interpreter_runs_tests(monkeypatch):
    """The newest and the oldest run the suite; this one also runs parts of it in pure Python."""
    found = {20: Path("a"), 10: Path("b"), 15: Path("d"), 21: Path("e"), OURS: Path("c")}
    monkeypatch.setattr(matrix, "find_by_minor", lambda: found)
    *runs, bare, django, wheel = matrix.plan()
    assert [(run.name, run.commands) for run in runs] == [
        ("test-3.21-once", matrix.once(matrix.OTHERS)),
        ("test-3.10-integrations", matrix.INTEGRATIONS),
        ("test-3.21-integrations", matrix.INTEGRATIONS),
        ("test-3.21", matrix.REST),
        ("test-3.10", matrix.REST),
        ("test-3.21-programs", matrix.once(matrix.PROGRAMS)),
        ("test-3.20", matrix.IN_BETWEEN),
        ("test-3.15", matrix.IN_BETWEEN),
        (f"test-3.{OURS}", matrix.IN_BETWEEN),
    ]
    assert bare.commands == matrix.WHOLE
    assert not any(run.pure for run in (*runs, wheel))
    assert (bare.name, bare.base) == (f"bare-3.{OURS}-pure", found[OURS])
    assert (django.name, django.commands) == (f"test-3.{OURS}-pure", matrix.ONLY_DJANGO)
    assert (wheel.name, wheel.commands) == (f"test-3.{OURS}-wheel", matrix.WHEEL)


@pytest.mark.parametrize("minors", [[OURS], [OURS, OURS + 1], [OURS, OURS - 1]])
def test_other_tests_run_on_the_newest_interpreter(monkeypatch, minors):
    """The newest interpreter, even if it is the only one, runs the tests that the others skip."""
    found = {minor: Path(str(minor)) for minor in minors}
    monkeypatch.setattr(matrix, "find_by_minor", lambda: found)
    runs = {run.name: run for run in matrix.plan()}
    ours = [runs.pop(f"test-3.{max(minors)}-{part}") for part in ("once", "programs")]
    assert {run.base for run in ours} == {found[max(minors)]}
    for path in matrix.ON_NEWEST:
        assert (matrix.ROOT / path).exists()
        assert sum(path in run.commands[0].split() for run in ours) == 1
        for run in runs.values():
            assert path not in run.commands[0].split()
            if "wheel" not in run.name and run.commands != matrix.ONLY_DJANGO:
                assert f"--ignore={path}" in run.commands[0].split()


@pytest.mark.parametrize("minors", [[OURS], [OURS, OURS + 1], [OURS, OURS - 1, OURS - 2]])
def test_the_suite_is_run_in_two_parts(monkeypatch, minors):
    """The newest and the oldest interpreter run the integrations, and everything else, once each."""
    found = {minor: Path(str(minor)) for minor in minors}
    monkeypatch.setattr(matrix, "find_by_minor", lambda: found)
    runs = matrix.plan()
    assert len({run.name for run in runs}) == len(runs)
    for minor in {min(minors), max(minors)}:
        names = [run.name for run in runs if run.commands in {matrix.INTEGRATIONS, matrix.REST}]
        assert names.count(f"test-3.{minor}-integrations") == names.count(f"test-3.{minor}") == 1
    ((integrations,), (rest,)) = matrix.INTEGRATIONS, matrix.REST
    assert integrations == f"{matrix.SUITE} tests/integrations"
    assert rest == f"{matrix.SUITE} --ignore=tests/integrations"


@pytest.mark.parametrize("pure", [True, False])
def test_pure_runs_have_the_switch(checkout, monkeypatch, pure):
    """Only a run in pure Python has CLARION_PURE in its environment."""
    monkeypatch.delenv("CLARION_PURE", raising=False)
    run = matrix.Run("r", Path(sys.executable), ("-c \"print(__import__('os').environ)\"",), pure)
    run.log.parent.mkdir()
    assert run.go()
    assert ("'CLARION_PURE': '1'" in run.log.read_text()) == pure


def test_success(plan, capsys):
    """Each run gets one line, and the status is 0."""
    plan("-c \"print('==1_passed_in_2s==')\"", "-c \"print('fine')\"")
    assert matrix.main() == 0
    lines = sorted(capsys.readouterr().out.splitlines())
    assert lines[-2:] == [f"ok     {'r0':<24}==1_passed_in_2s==", f"ok     {'r1':<24}fine"]


def test_one_failure_fails_all(plan, capsys):
    """The whole log of the run is printed, the other runs continue, and the status is 1."""
    plan("-c 1/0", "-c \"print('fine')\"")
    assert matrix.main() == 1
    printed = capsys.readouterr().out
    assert "Traceback" in printed
    assert f"FAILED {'r0':<24}ZeroDivisionError: division by zero" in printed
    assert "ok     r1" in printed


def test_environment_that_cannot_be_built_fails(plan, checkout, capsys):
    """No test runs without its environment, and the status is 1."""
    (matrix.ROOT / "Makefile").write_text(
        ".venvs/%/filled:\n\t@echo no wheel; exit 1\n.venvs/%/ready:\n\t@mkdir -p $@\n"
    )
    plan("-c \"print('fine')\"")
    assert matrix.main() == 1
    assert "no wheel" in capsys.readouterr().out


def test_summary(checkout):
    """The summary has the last line of each pytest."""
    run = matrix.Run("r", Path(), ())
    run.log.parent.mkdir()
    run.log.write_text("==== 3 passed in 1.2s ====\n==== 1 failed,  4 passed in 2s ===\n")
    assert run.summary() == "3 passed in 1.2s; 1 failed, 4 passed in 2s"
    run.log.write_text("collecting\nmake: *** no such group\n")
    assert run.summary() == "make: *** no such group"
