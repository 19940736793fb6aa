"""The database as an argument of a command."""

import pytest


def test_each_command_takes_the_database_as_an_argument(invoke, shop):
    """The argument may be anywhere among the others; the option and the variable stay."""
    first, second, _ = (shop.bury("shop:mail") for _ in range(3))
    for arguments, code, text in [
        (["status", shop.url], 1, "3 dead"),
        (["ls", shop.url, "-n", "1"], 0, "2 more"),
        (["ls", "-r", "shop:mail", shop.url], 0, "ValueError: no"),
        (["show", shop.url, first], 0, "shop.order_paid"),
        (["show", first, shop.url], 0, "shop.order_paid"),
        (["requeue", first, shop.url], 0, "1 delivery requeued."),
        (["discard", shop.url, second, "--yes"], 0, "1 delivery discarded."),
        (["requeue", "--receiver", "shop:mail", shop.url], 0, "1 delivery requeued."),
        (["prune", "--older-than", "1s", shop.url], 0, "0 sends removed."),
        (["create", shop.url, "--json"], 0, '"version": 1'),
    ]:
        done = invoke("outbox", *arguments)
        assert (done.exit_code, done.stderr) == (code, "")
        assert text in done.stdout
    assert (shop.dead(), shop.counts()) == ([], {"shop:mail": (2, 0)})


@pytest.mark.parametrize("command", ["status", "ls", "prune", "create", "show", "requeue"])
def test_the_help_shows_the_argument(invoke, command):
    """The line of usage names the URL."""
    assert "[URL]" in invoke("outbox", command, "--help").output


def test_the_argument_is_an_object_of_the_program(invoke, shop, tmp_path, monkeypatch):
    """`module:object` is a database, too, and the name of a receiver after its option is none."""
    (tmp_path / "argued.py").write_text(
        f"from clarion.outbox import open_database\ndatabase = open_database({shop.url!r})\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    row = shop.bury("shop:mail")
    done = invoke("outbox", "requeue", "-r", "shop:mail", "argued:database")
    assert (done.exit_code, done.stdout) == (0, "1 delivery requeued.\n")
    assert shop.counts() == {"shop:mail": (1, 0)}
    assert invoke("outbox", "show", row, "argued:database").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["status", "shop.db"], "has no scheme. Give one such as 'sqlite:///outbox.db'"),
        (["show", "shop.db", "1"], "Invalid value for"),
        (["status", "sqlite:///a.db", "sqlite:///b.db"], "unexpected extra argument"),
        (["status"], "No database is given. Name it, such as sqlite:///outbox.db, with --database"),
        (["ls"], "No database is given"),
        (["show", "1"], "No database is given"),
        (["requeue", "--all"], "No database is given"),
        (["discard", "--all"], "No database is given"),
        (["prune", "--older-than", "7d"], "No database is given"),
    ],
    ids=" ".join,
)
def test_what_is_no_database_is_refused(invoke, arguments, text):
    """Without a database, and with something else in its place, the message has the cure."""
    done = invoke("outbox", *arguments)
    assert done.exit_code == 2
    assert text in " ".join(done.stderr.split())
