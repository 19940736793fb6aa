"""The command that shows the stored deliveries."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from clarion.integrations.django.management.commands import clarion
from clarion.integrations.django.outbox.connection import DjangoConnection
from clarion.outbox import lapses, store
from clarion.outbox.delivery_row import Target, partition_of
from clarion.outbox.waits import list_suspects
from clarion.worker import upkeep
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
        store.bury(
            connection,
            "mail",
            claim,
            f"Traceback (most recent call last):\nValueError: {HOSTILE}\n",
            block=True,
        )
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


def vanish(connection, suspect):
    """Let workers vanish that hold the only delivery; a suspect one runs by itself meanwhile."""
    for _ in range(2):
        (claim,) = store.claim(connection, "mail", 1, 0)
    if suspect:
        lapses.begin(connection, claim, None)
        store.claim(connection, "mail", 1, 0)


@pytest.mark.parametrize(("suspect", "lost"), [(False, "1 lost worker"), (True, "2 lost workers")])
def test_the_status_lists_deliveries_that_have_lost_workers(run, alias, suspect, lost):
    """An operator sees which delivery may end its workers."""
    connection = DjangoConnection(alias)
    with transaction.atomic(using=alias):
        publish(connection, Target("mail"))
        vanish(connection, suspect)
        [row] = [each.id for each in list_suspects(connection)]
    _, note, line = run("status")
    assert note.startswith("1 delivery has lost a worker.")
    assert line == f"{row}  mail of shop.order_paid: {lost}"


def test_a_long_list_of_suspects_is_cut(run, alias):
    """Ten are shown, with their keys, and how many more there are."""
    connection = DjangoConnection(alias)
    with transaction.atomic(using=alias):
        for number in range(12):
            publish(connection, Target("bill", str(number)))
        with connection.connection.cursor() as cursor:
            cursor.execute("UPDATE clarion_delivery SET attempt = %s", [lapses.WITH_CARE])
    lines = run("status")
    assert lines[-2].endswith("bill of shop.order_paid, key 9: 1 lost worker")
    assert (len(lines), lines[-1]) == (13, "2 more.")


def test_the_status_explains_deliveries_behind_a_dead_one(run, alias, capsys):
    """Deliveries of the key of a dead one wait, although a worker runs."""
    connection = DjangoConnection(alias)
    with transaction.atomic(using=alias):
        publish(connection, Target("mail", "7"))
        store.add_partitions(connection, ["mail"])
        held: Any = store.lease_partition(connection, "mail", partition_of("7"), 60_000)
        [claim] = store.window(connection, held, 1)
        store.bury(connection, "mail", claim, "ValueError: no", block=True)
        publish(connection, Target("mail", "7"))
    with pytest.raises(SystemExit):
        run("status")
    assert capsys.readouterr().out.endswith(
        "Later deliveries of the same keys may wait for them.\n"
    )


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
    with pytest.raises(
        CommandError, match=r"has the id '999'. List them with `manage\.py outbox ls`"
    ):
        run("show", 999)
    with pytest.raises(CommandError, match="Give the id"):
        run("show")


def test_a_dead_delivery_is_requeued(run, dead, alias):
    """A requeued delivery waits again, with its old id."""
    assert run("requeue", dead) == [f"{dead} is requeued."]
    assert (count(alias, "dead"), count(alias)) == (0, 3)


@pytest.mark.parametrize("action", ["ls", "requeue", "discard"])
def test_an_unknown_receiver_gets_a_hint(alias, dead, action, capsys):
    """The hint names what was meant; a receiver whose deliveries only wait gets none."""
    for receiver in ("mial", "bill"):
        call_command("outbox", action, database=alias, receiver=receiver)
    assert capsys.readouterr().err == (
        "hint: No delivery is stored for the receiver mial. Did you mean mail? "
        "The receivers with deliveries are: bill, mail.\n"
    )


def test_a_change_is_committed_with_autocommit_off(run, dead, alias):
    """Django would leave the transaction open, and the end of the process would undo it."""
    transaction.set_autocommit(False, using=alias)
    try:
        run("requeue", dead)
        connections[alias].rollback()
    finally:
        transaction.set_autocommit(True, using=alias)
    assert count(alias, "dead") == 0


def test_dead_deliveries_are_discarded(run, dead, alias):
    """Dead deliveries are discarded by their ids, by receiver, or all."""
    assert run("discard", receiver="bill") == ["0 deliveries are discarded."]
    with pytest.raises(CommandError, match="Name what you mean"):
        run("discard")
    with pytest.raises(CommandError, match="Name what you mean"):
        run("discard", dead, all=True)
    with pytest.raises(CommandError, match="No dead delivery"):
        run("discard", 999)
    assert count(alias, "dead") == 1
    assert run("discard", all=True, interactive=False) == ["1 delivery is discarded."]
    assert count(alias, "dead") == 0


@pytest.mark.parametrize(("action", "done"), [("requeue", "requeued"), ("discard", "discarded")])
def test_many_are_changed_in_batches(run, dead, alias, action, done, monkeypatch):
    """One run changes all, in transactions of a bounded size, and prints one line."""
    monkeypatch.setattr(upkeep, "BATCH", 2)
    connection = DjangoConnection(alias)
    with transaction.atomic(using=alias):
        for number in range(4):
            publish(connection, Target("sms"), note=str(number))
        for claim in store.claim(connection, "sms", 10, 30_000):
            store.bury(connection, "sms", claim, "ValueError: no", block=True)
    arguments = {"interactive": False} if action == "discard" else {}
    assert run(action, all=True, **arguments) == [f"5 deliveries are {done}."]
    assert count(alias, "dead") == 0


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("Yes\n", 0), ("n\n", 1), ("", 1)])
def test_discard_asks(dead, alias, answer, left, monkeypatch, capsys):
    """Without --yes `discard` asks on standard error; without an answer it removes nothing."""
    monkeypatch.setattr("sys.stdin", StringIO(answer))
    if left:
        with pytest.raises(CommandError, match="Nothing was discarded") as refused:
            call_command("outbox", "discard", "--all", database=alias)
        assert refused.value.returncode == 1
    else:
        call_command("outbox", "discard", "--all", database=alias)
    asked = f"Discard 1 delivery in Django's database '{alias}'? It cannot be undone."
    assert asked in capsys.readouterr().err
    assert count(alias, "dead") == left


def test_programs_read_json(alias, dead, capsys):
    """Each action prints JSON with --json, with the keys of `clarion outbox`."""

    def found(*arguments):
        call_command("outbox", *map(str, arguments), "--json", "-d", alias)
        return json.loads(capsys.readouterr().out)

    listed = found("ls")
    assert (listed["total"], [each["id"] for each in listed["deliveries"]]) == (1, [dead])
    assert listed["deliveries"][0]["error"] == "ValueError: <script>alert(1)</script>\\x1b[2J"
    assert found("ls", "-r", "bill") == {"total": 0, "deliveries": []}
    assert found("show", dead)["payload"]["values"]["note"] == HOSTILE
    assert found("requeue", dead) == {"requeued": [dead]}
    counts = found("status")
    assert (counts["database"], counts["dead"]) == (f"Django's database '{alias}'", 0)
    assert {each["receiver"] for each in counts["receivers"]} == {"mail", "bill"}
    assert found("discard", "--all", "--yes") == {"discarded": []}
    assert found("prune", "--older-than", "0s") == {"removed": 0}
    assert found("create") == {"database": f"Django's database '{alias}'", "version": 1}
    with pytest.raises(CommandError) as refused:
        found("show", 999)
    assert refused.value.returncode == 2
    assert json.loads(capsys.readouterr().out) == {"error": str(refused.value)}


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "0"),
        ("requeue", str(2**63)),
        ("discard", "-1"),
        ("ls", "--limit", "0"),
        ("prune", "--days", "nan"),
        ("prune", "--days", "-1"),
        ("prune", "--days", "1", "--older-than", "1d"),
    ],
    ids=" ".join,
)
def test_a_wrong_number_is_refused(alias, arguments):
    """An id, a limit or an age that cannot be is refused before the database is asked."""
    with pytest.raises(CommandError, match="Error: "):
        call_command("outbox", *arguments, "--database", alias)


def test_events_without_deliveries_are_pruned(run, dead, alias):
    """Events without deliveries are deleted; those with dead or waiting ones stay."""
    assert run("discard", dead, interactive=False) == [f"{dead} is discarded."]
    assert run("prune") == ["0 events are removed."]
    assert run("prune", older_than="1s") == ["0 events are removed."]
    assert run("prune", older_than="0s") == ["1 event is removed."]
    with pytest.raises(CommandError, match="90s, 30m, 12h, 7d or 2w"):
        run("prune", older_than="a week")
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


def test_a_failed_statement_is_one_sentence(run, alias):
    """The message of a driver has more lines, of which the first one is printed, and the cure."""
    with connections[alias].cursor() as cursor:
        cursor.execute("ALTER TABLE clarion_dead RENAME TO hidden")
        try:
            with pytest.raises(CommandError) as refused:
                run("status")
        finally:
            cursor.execute("ALTER TABLE hidden RENAME TO clarion_dead")
    text = str(refused.value)
    assert text.startswith(f"The database '{alias}' cannot be used: ")
    assert text.endswith(f"Run `manage.py migrate --database={alias}`.")
    assert "\n" not in text
