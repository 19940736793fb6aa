"""All commands together."""

import pytest

import clarion
from clarion.cli import app as module


def test_the_version_is_printed(invoke):
    """`--version` prints the version."""
    done = invoke("--version")
    assert (done.exit_code, done.stdout) == (0, f"clarion {clarion.__version__}\n")


def test_the_commands_are_listed(invoke):
    """The help lists the commands, within 80 columns."""
    for options in (["--help"], ["-h"], ["outbox", "-h"]):
        done = invoke(*options)
        assert done.exit_code == 0
        assert {"ls", "show"} & {*done.stdout.split()}
        assert max(map(len, done.stdout.splitlines())) <= 80
        assert "..." not in done.stdout.partition("Commands:")[2]  # no sentence is cut


def test_without_a_command_the_help_is_printed(invoke):
    """`clarion` alone prints the help."""
    assert "Usage: " in invoke().output
    assert "Usage: " in invoke("outbox").output


def test_a_misspelt_command_is_misuse(invoke):
    """A command that does not exist has the exit code 2."""
    done = invoke("outbxo")
    assert done.exit_code == 2
    assert "outbox" in done.output


def test_run_names_the_program(monkeypatch, capsys):
    """Messages name the program `clarion`, also under `python -m clarion`."""
    monkeypatch.setattr("sys.argv", ["__main__.py", "--help"])
    with pytest.raises(SystemExit):
        module.run()
    assert capsys.readouterr().out.strip().startswith("Usage: clarion ")
