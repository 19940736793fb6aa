"""The suite on every interpreter: what runs, and what is said of it."""

import sys
from pathlib import Path

import matrix
import pytest

OURS = sys.version_info.minor


# An environment of nothing but this interpreter.
MAKEFILE = """
.venvs/%/filled:
	@mkdir -p .venvs/$*/bin && ln -s $(PYTHON) .venvs/$*/bin/python && touch $@

.venvs/%/ready: .venvs/%/filled
	@touch $@
"""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Work in a directory in which an environment is built at once."""
    (tmp_path / "Makefile").write_text(MAKEFILE)
    monkeypatch.setattr(matrix, "ROOT", tmp_path)
    monkeypatch.setattr(matrix, "LOGS", tmp_path / "logs")


@pytest.fixture
def plan(checkout, monkeypatch):
    """Plan one run for each command given."""

    def plan(*commands):
        runs = [matrix.Run(f"r{n}", Path(sys.executable), (c,)) for n, c in enumerate(commands)]
        monkeypatch.setattr(matrix, "plan", lambda: runs)

    return plan


def test_first_measures_and_last_are_pure(monkeypatch):
    """Every interpreter runs the tests of Clarion; ours in pure Python too: bare, and the Django integration."""
    found = {20: Path("a"), 10: Path("b"), 15: Path("d"), 21: Path("e"), OURS: Path("c")}
    monkeypatch.setattr(matrix, "find_by_minor", lambda: found)
    first, *others, around, bare, django = matrix.plan()
    assert (first.name, first.commands) == ("test-3.20", matrix.MEASURED)
    assert [(run.name, run.commands) for run in others] == [
        ("test-3.10", matrix.PLAIN),
        ("test-3.21", matrix.PLAIN),
        ("test-3.15", matrix.BETWEEN),
        (f"test-3.{OURS}", matrix.BETWEEN),
    ]
    assert bare.commands == matrix.PLAIN
    assert not any(run.pure for run in (first, *others, around))
    assert (bare.name, bare.base) == (f"bare-3.{OURS}-pure", found[OURS])
    assert (django.name, django.commands) == (f"test-3.{OURS}-pure", matrix.DJANGO)


def test_what_is_around_clarion_is_tested_once(monkeypatch):
    """The newest interpreter, even if it is the only one, runs the tests that the others skip."""
    for minors in ([OURS], [OURS, OURS + 1], [OURS, OURS - 1]):
        found = {minor: Path(str(minor)) for minor in minors}
        monkeypatch.setattr(matrix, "find_by_minor", lambda found=found: found)
        runs = {run.name: run for run in matrix.plan()}
        around = runs.pop(f"test-3.{max(minors)}-once")
        assert around.base == found[max(minors)]
        for folder in matrix.ONCE:
            assert (matrix.ROOT / folder).is_dir()
            assert f" {folder}" in around.commands[0]
            for run in runs.values():
                assert (
                    f"--ignore={folder}" in " ".join(run.commands) or run.commands == matrix.DJANGO
                )


@pytest.mark.parametrize("pure", [True, False])
def test_pure_runs_have_the_switch(checkout, monkeypatch, pure):
    """A run in pure Python has CLARION_PURE in its environment, the others have not."""
    monkeypatch.delenv("CLARION_PURE", raising=False)
    run = matrix.Run("r", Path(sys.executable), ("-c print(__import__('os').environ)",), pure)
    run.log.parent.mkdir()
    assert run.go()
    assert ("'CLARION_PURE': '1'" in run.log.read_text()) == pure


def test_all_well(plan, capsys):
    """Each run gets one line, and the status is 0."""
    plan("-c print('==1_passed_in_2s==')", "-c print('fine')")
    assert matrix.main() == 0
    lines = sorted(capsys.readouterr().out.splitlines())
    assert lines[-2:] == ["ok     r0             ==1_passed_in_2s==", "ok     r1             fine"]


def test_one_failure_fails_all(plan, capsys):
    """A run that fails shows its whole log, stops none of the others, and the status is 1."""
    plan("-c 1/0", "-c print('fine')")
    assert matrix.main() == 1
    printed = capsys.readouterr().out
    assert "Traceback" in printed
    assert "FAILED r0             ZeroDivisionError: division by zero" in printed
    assert "ok     r1" in printed


def test_environment_that_cannot_be_built_fails(plan, checkout, capsys):
    """No test is run where there is nothing to run it in."""
    (matrix.ROOT / "Makefile").write_text(
        ".venvs/%/filled:\n\t@echo no wheel; exit 1\n.venvs/%/ready:\n\t@mkdir -p $@\n"
    )
    plan("-c print('fine')")
    assert matrix.main() == 1
    assert "no wheel" in capsys.readouterr().out


def test_summary_is_the_last_word(checkout):
    """The summary of a log is pytest's last line, then the coverage in total."""
    run = matrix.Run("r", Path(), ())
    run.log.parent.mkdir()
    run.log.write_text("==== 3 passed in 1.2s ====\nName Stmts\nTOTAL   10   1   90%\n")
    assert run.summary() == "3 passed in 1.2s; TOTAL 10 1 90%"
    run.log.write_text("collecting\nmake: *** no such group\n")
    assert run.summary() == "make: *** no such group"
