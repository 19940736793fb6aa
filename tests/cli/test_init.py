"""The entry point."""

import subprocess
import sys

import pytest

import clarion.cli
from tests.cli.conftest import environment_of


@pytest.mark.parametrize("package", clarion.cli.PACKAGES)
def test_without_the_extra_there_is_one_sentence(tmp_path, package):
    """Without Typer or Rich the command prints the line that installs them."""
    code = f"import sys; sys.modules[{package!r}] = None; from clarion.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=environment_of(tmp_path),
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"error: The command line needs {package}, which is not installed. Run: pip install "
        f"'clarion-signals[cli]', or in a checkout of Clarion: pip install '.[cli]'\n"
    )


def test_another_import_error_is_not_hidden(monkeypatch):
    """An import that fails for another reason is raised."""
    monkeypatch.setitem(sys.modules, "clarion.cli.app", None)
    with pytest.raises(ImportError, match=r"clarion\.cli\.app"):
        clarion.cli.main()


def test_completion_completes(command):
    """The completion of Typer lists the commands that begin with the word."""
    done = command(
        _CLARION_COMPLETE="complete_bash", COMP_WORDS="clarion outbox re", COMP_CWORD="2"
    )
    assert done.stdout.split() == ["requeue"]
    # Typer would ask for the parent process, which is not a shell in every run of the tests.
    shown = command("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "clarion" in shown.stdout
