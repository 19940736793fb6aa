"""The commands of `clarion outbox`."""

import pytest

from tests.cli.conftest import HOSTILE, SHOWN

COMMANDS = [
    ("status",),
    ("ls",),
    ("show", "1"),
    ("requeue", "1"),
    ("discard", "1", "--yes"),
    ("prune", "--older-than", "7d"),
    ("create",),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_nothing_stored_is_interpreted(outbox, shop, arguments):
    """No command prints an escape sequence that is stored, and none interprets markup."""
    shop.bury(f"shop:{HOSTILE}", f"Traceback:\n{HOSTILE}", name=HOSTILE)
    shop.publish(f"shop:{HOSTILE}", key=HOSTILE)
    for option in ([], ["--json"]):
        done = outbox(*arguments, *option)
        assert "Traceback (most recent" not in done.output
        assert not {"\x1b", "\x9b"} & {*done.output}
        if arguments[0] in {"status", "ls", "show"}:
            assert (SHOWN if not option else "[red]<script>") in done.output


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_missing_tables_are_one_sentence(invoke, tmp_path, arguments):
    """Every command but `create` names the command that creates the tables."""
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    (tmp_path / "empty.db").touch()
    done = invoke("outbox", *arguments, CLARION_DATABASE=url)
    if arguments == ("create",):
        assert done.exit_code == 0
    else:
        assert done.exit_code == 2
        assert "clarion outbox create" in done.stderr
        assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("name", ["show", "requeue", "discard"])
def test_an_unknown_id_is_one_sentence(outbox, name):
    """An id that no dead delivery has is refused with the command that lists them."""
    done = outbox(name, "99")
    assert done.exit_code == 2
    assert done.stderr == (
        "error: No dead delivery has the id '99'. List them with `clarion outbox ls`.\n"
    )
