"""The command that shows the stored deliveries."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from clarion.integrations.django.management.commands import clarion
from clarion.integrations.django.outbox.connection import DjangoConnection
from clarion.integrations.django.outbox.management.commands import outbox
from clarion.outbox import store
from clarion.outbox.delivery_row import Target
from tests.integrations.django.outbox.receivers import connected, note
from tests.integrations.django.outbox.sends import count, publish

HOSTILE = "<script>alert(1)</script>\x1b[2J"


@pytest.fixture
def run(alias, capsys):
    """Run an action, and return its lines."""

    def run(action, *arguments, **options):
        call_command("outbox", action, *map(str, arguments), database=alias, **options)
        return capsys.readouterr().out.splitlines()

    return run


@pytest.fixture
def dead(alias):
    """The id of a dead delivery with a hostile payload and error, and one that waits behind it."""
    connection = DjangoConnection(alias)
    with transaction.atomic(using=alias):
        publish(connection, Target("mail"), note=HOSTILE)
        [claim] = store.claim(connection, "mail", 10, 30_000)
        store.bury(connection, "mail", claim, f"Traceback\nValueError: {HOSTILE}\n", block=True)
        publish(connection, Target("mail"), Target("bill", "7"))
    return claim.id


def test_the_status_counts_each_receiver(run, dead, capsys):
    """The status counts each receiver, names the unknown ones, and ends with 1 if one is dead."""
    with connected(note, name="mail"), pytest.raises(SystemExit) as ended:
        run("status")
    assert ended.value.code == 1
    bill, mail, last = capsys.readouterr().out.splitlines()
    assert last == "1 dead. List them with `manage.py outbox ls`."
    assert bill.startswith("bill: 1 waiting, the first due 20")
    assert bill.endswith(", 0 failing, 0 dead; NOT CONNECTED in this project")
    assert mail.endswith(", 0 failing, 1 dead")


def test_the_command_of_all_programs_takes_the_alias(alias, dead, capsys, monkeypatch):
    """`manage.py clarion outbox` reads the same deliveries; its default is the default database."""
    pytest.importorskip("typer")
    with pytest.raises(SystemExit) as ended:
        call_command("clarion", "outbox", "status", "--database", alias, "--json")
    assert ended.value.code == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["database"], found["dead"]) == (f"Django's database '{alias}'", 1)
    monkeypatch.delenv("CLARION_DATABASE", raising=False)
    monkeypatch.setattr(clarion, "DEFAULT_DB_ALIAS", alias)
    with pytest.raises(SystemExit) as ended:
        call_command("clarion", "outbox", "show", str(dead))
    assert ended.value.code == 0


def test_an_empty_outbox_has_a_line_too(run):
    """The status of an empty outbox has a line, because no output looks like a failure."""
    assert run("status") == ["Nothing waits, and nothing is dead."]
    assert run("ls") == ["No delivery is dead."]


def test_dead_deliveries_are_listed(run, dead):
    """Dead deliveries are listed with the last line of the traceback, without control characters."""
    [line] = run("ls")
    assert line.startswith(f"{dead}  20")
    assert line.endswith("mail  ValueError: <script>alert(1)</script>\\x1b[2J")
    assert run("ls", receiver="bill") == ["No delivery is dead."]


def test_a_dead_delivery_is_shown(run, dead):
    """A dead delivery is shown with payload and traceback, without control characters."""
    text = "\n".join(run("show", dead))
    for part in ("receiver: mail", "signal: shop.order_paid", "after 1 failure", "Traceback"):
        assert part in text
    assert '"note": "<script>alert(1)</script>\\u001b[2J"' in text
    assert "\x1b" not in text
    with pytest.raises(CommandError, match="has the id 999"):
        run("show", 999)
    with pytest.raises(CommandError, match="Give the id"):
        run("show")


def test_a_dead_delivery_is_requeued(run, dead, alias):
    """A requeued delivery waits again, with its old id."""
    assert run("requeue", dead) == [f"{dead} is requeued."]
    assert (count(alias, "dead"), count(alias)) == (0, 3)


def test_dead_deliveries_are_discarded(run, dead, alias):
    """Dead deliveries are discarded by their ids, by receiver, or all."""
    assert run("discard", receiver="bill") == []
    with pytest.raises(CommandError, match="Give the ids"):
        run("discard")
    with pytest.raises(CommandError, match="Give the ids"):
        run("discard", dead, all=True)
    with pytest.raises(CommandError, match="No dead delivery"):
        run("discard", 999)
    assert count(alias, "dead") == 1
    assert run("discard", all=True) == [f"{dead} is discarded."]
    assert count(alias, "dead") == 0


@pytest.mark.parametrize(("action", "done"), [("requeue", "requeued"), ("discard", "discarded")])
def test_what_is_left_is_said(run, dead, action, done, monkeypatch):
    """One run changes a limited number of deliveries, and says if there may be more."""
    monkeypatch.setattr(outbox, "_BATCH", 1)
    more = "There may be more dead deliveries. Run it again."
    assert run(action, all=True) == [f"{dead} is {done}.", more]
    assert run(action, all=True) == []


def test_events_without_deliveries_are_pruned(run, dead, alias):
    """Events without deliveries are deleted; those with dead or waiting ones stay."""
    run("discard", dead)
    assert run("prune") == ["0 events are removed."]
    assert run("prune", days=0.0) == ["1 event is removed."]
    assert count(alias, "event") == 1


def test_tables_are_created(run, alias):
    """Creating the tables a second time changes nothing."""
    assert run("create") == [f"The database {alias} has the tables."]


def test_a_database_without_tables_is_refused(run, alias):
    """A database without tables is refused with the cure."""
    with connections[alias].cursor() as cursor:
        cursor.execute("ALTER TABLE clarion_meta RENAME TO hidden")
        try:
            with pytest.raises(CommandError, match=r"manage\.py migrate"):
                run("status")
        finally:
            cursor.execute("ALTER TABLE hidden RENAME TO clarion_meta")
