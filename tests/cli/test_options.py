"""The options that several commands have."""

import pytest


@pytest.mark.parametrize("name", ["status", "ls", "requeue", "discard", "prune", "create"])
def test_every_command_has_the_same_options(invoke, name):
    """Each command of the outbox has --database and --json."""
    shown = invoke("outbox", name, "--help").output
    assert "-d, --database URL" in shown
    assert "CLARION_DATABASE" in shown
    assert "--json" in shown


def test_the_value_of_the_variable_is_not_shown(invoke):
    """The help does not print the URL in the environment, because it may contain a password."""
    shown = invoke("outbox", "ls", "--help", CLARION_DATABASE="mysql://a:hunter2@b/c").output
    assert "hunter2" not in shown


def test_a_missing_database_is_misuse(invoke):
    """Without a database the command names the option and the variable."""
    done = invoke("outbox", "status")
    assert done.exit_code == 2
    assert "--database" in done.output
    assert "CLARION_DATABASE" in done.output
