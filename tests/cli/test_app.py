"""All commands together."""

import subprocess
import sys

import pytest
from typer.core import TyperCommand

import clarion
from clarion.cli import app as module
from tests.cli.conftest import environment_of

LARGE = {
    "asyncio",
    "rich.console",
    "clarion.outbox",
    "clarion.worker",
    "clarion.graph",
    "clarion.doctor",
}


@pytest.fixture
def loaded(tmp_path):
    """Return a function that runs the command in another process, and returns the modules that it has loaded."""
    (tmp_path / "receivers.py").write_text("import clarion\npaid = clarion.Signal()")

    def loaded(*arguments, **environment):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "clarion", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=environment_of(tmp_path, **environment),
        )
        return done.stdout, {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}

    return loaded


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("clarion ls rece", "receivers\n"),
        ("clarion d", "doctor\n"),
        ("clarion explain receivers --signal rec", "receivers.paid\n"),
    ],
)
def test_a_shell_does_not_wait_for_what_others_need(loaded, line, completed):
    """The completion of a name loads what this name needs, and neither Rich nor an outbox."""
    words = line.split()
    shown, names = loaded(
        _CLARION_COMPLETE="complete_bash",
        COMP_WORDS="\n".join(words),
        COMP_CWORD=str(len(words) - 1),
    )
    assert shown == completed
    assert not LARGE & names


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


@pytest.mark.parametrize("arguments", [["ls", "receivers"], ["--version"], ["--help"]])
def test_a_command_without_an_outbox_loads_none(loaded, arguments):
    """A command loads neither asyncio nor the outbox if it uses none."""
    shown, names = loaded(*arguments)
    assert shown
    assert not (LARGE - {"rich.console"}) & names


def test_an_unknown_name_is_no_command():
    """The commands are found by their names, and by no other."""
    commands = module._Commands()
    assert [commands[name].name for name in commands] == [*module.SUMMARIES]
    assert len(commands) == len(module.SUMMARIES)
    assert commands.get("outbxo") is None


def test_the_summaries_are_those_of_the_commands():
    """A list of the commands shows the first sentence of the help of each."""
    commands = module._Commands()
    found = {name: commands[name].get_short_help_str(100) for name in commands}
    assert found == {
        name: TyperCommand(name, help=text).get_short_help_str(100)
        for name, text in module.SUMMARIES.items()
    }
