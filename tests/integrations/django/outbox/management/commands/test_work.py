"""The command that calls durable receivers."""

import re
import time
from contextlib import nullcontext

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.db.backends.signals import connection_created
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save

from clarion.errors import EncodingError
from clarion.integrations.django.outbox.database import DjangoDatabase
from clarion.worker import Worker
from tests.integrations.django.library.models import Author, Book, Item
from tests.integrations.django.outbox.receivers import (
    anote,
    awrite,
    calls,
    connected,
    note,
    order_paid,
    write,
)
from tests.integrations.django.outbox.sends import authors, count


def work(alias, capsys=None, **options):
    """Run the command until no delivery can be made; return its output."""
    call_command("work", database=alias, **({"drain": True} | options))
    return "" if capsys is None else capsys.readouterr().out


def test_a_send_is_delivered_after_the_commit(alias, capsys):
    """The worker delivers a send after its commit, and never one that was rolled back."""
    with connected(note, database=alias):
        with transaction.atomic(using=alias):
            order_paid.send(None, number=5)
            assert calls == []
        with pytest.raises(ZeroDivisionError), transaction.atomic(using=alias):
            order_paid.send(None, number=1 // 0)
        assert "1 made" in work(alias, capsys)
        assert "no delivery was due" in work(alias, capsys)
    assert calls == [{"number": 5}]


@pytest.mark.parametrize("key", [None, lambda **_: "a"])
def test_what_is_skipped_is_not_made(alias, key, capsys):
    """A delivery whose row is gone counts as skipped, and nothing else."""
    with connected(note, signal=post_save, sender=Author, key=key):
        gone = Author.objects.using(alias).create(name="gone")
        Author.objects.using(alias).create(name="stays")
        gone.delete()
        assert work(alias, capsys).endswith("Stopped: 1 made, 1 skipped.\n")
    assert count(alias) == 0


def test_what_waits_is_said(alias, capsys):
    """A worker that ends by itself says which deliveries wait, and why."""
    with connected(note, database=alias, delay=600):
        order_paid.send(None, using=alias, number=5)
        lines = work(alias, capsys).splitlines()
    assert re.fullmatch(
        r"Stopped: no delivery was due\. These deliveries wait: 1 waits for its delay "
        r"\(due in (9|10) min\)\.",
        lines[-1],
    )


@pytest.mark.parametrize("receiver", [write, awrite])
def test_effects_in_the_same_database_are_made_once(alias, receiver, capsys):
    """The receiver's rows and the end of its delivery commit together, sync and async."""
    with connected(receiver, database=alias, effects="same database", retries=0):
        order_paid.send(None, using=alias, name="a")
        order_paid.send(None, using=alias, name="fail")
        with pytest.raises(CommandError, match=r"1 delivery was given up\..*outbox ls"):
            work(alias)
        assert capsys.readouterr().out.endswith("Stopped: 1 made, 1 dead.\n")
    assert authors(alias) == 1
    assert (count(alias), count(alias, "dead")) == (0, 1)


@pytest.mark.parametrize("receiver", [write, awrite])
def test_other_receivers_write_in_autocommit(alias, receiver):
    """The rows of a failed receiver in autocommit stay, and the next attempt writes them again."""
    with connected(receiver, database=alias, retries=0):
        order_paid.send(None, using=alias, name="fail")
        with pytest.raises(CommandError, match="given up"):
            work(alias)
    assert authors(alias) == 1


@pytest.mark.parametrize("receiver", [note, anote])
def test_a_receiver_of_a_save_gets_the_row(alias, receiver):
    """A sync or async receiver of a save gets the row and the keywords of the signal in their types."""
    with connected(receiver, signal=post_save, sender=Author):
        author = Author.objects.using(alias).create(name="before")
        author.name = "after"
        author.save(update_fields=["name"])
        work(alias)
    # Without a key, async receivers run at the same time.
    created, updated = sorted(calls, key=lambda call: not call["created"])
    assert (created["instance"].name, updated["instance"].name) == ("after", "after")
    assert updated["update_fields"] == frozenset({"name"})
    assert created["instance"]._state.db == alias


def test_a_receiver_of_a_deletion_gets_the_instance_as_it_was(alias):
    """After a deletion the receiver gets the instance as it was, whatever the option `missing` says."""
    author = Author.objects.using(alias).create(name="a")
    with connected(note, signal=post_delete, sender=Author):
        author.delete()
        work(alias)
    assert calls[0]["instance"].name == "a"
    assert count(alias) == 0


def test_a_row_that_is_gone_is_a_case(alias):
    """For a row that is gone, `missing` skips the delivery, fails it, or gives the row as it was sent."""
    for missing, dead, received in (("skip", 0, []), ("fail", 1, []), ("snapshot", 1, ["a"])):
        with connected(note, signal=post_save, sender=Author, missing=missing, retries=0):
            Author.objects.using(alias).create(name="a")
            Author.objects.using(alias).all()._raw_delete(alias)
            with pytest.raises(CommandError) if dead > len(received) else nullcontext():
                work(alias)
        assert [call["instance"].name for call in calls] == received
        assert count(alias, "dead") == dead
        assert count(alias) == 0


def changed(instance, changes, **kwargs):
    """Note the changes."""
    calls.append({"changes": changes})


def test_a_receiver_that_has_requested_changes_gets_them(alias):
    """A receiver that requests changes gets them, and one beside it does not."""
    with connected(note, signal=post_save, sender=Item), connected(changed, post_save, Item):
        Item.objects.using(alias).create(title="a", price="9.90")
        work(alias)
    with_changes = [call for call in calls if "changes" in call]
    [found] = with_changes
    assert len(calls) == 2
    assert found["changes"]["title"] == (None, "a")


def test_links_are_delivered(alias):
    """The `pk_set` of a delivered m2m_changed is a set."""
    book = Book.objects.using(alias).create(title="b")
    author = Author.objects.using(alias).create(name="a")
    with connected(note, signal=m2m_changed, sender=Book.authors.through):
        book.authors.add(author)
        work(alias)
    assert [call["action"] for call in calls] == ["pre_add", "post_add"]
    assert calls[1]["pk_set"] == {author.pk}
    assert calls[1]["instance"] == book


def test_a_new_instance_before_its_save_is_refused(alias):
    """A durable send of an unsaved instance is refused, and the save is not made."""
    refused = pytest.raises(EncodingError, match="connect the receiver to post_save")
    with connected(note, signal=pre_save, sender=Author), refused:
        Author.objects.using(alias).create(name="a")
    assert (authors(alias), count(alias)) == (0, 0)


def test_no_connection_is_left_open(alias):
    """The command leaves no connection open, neither the worker's nor those of its threads."""
    with connected(write, database=alias):
        for _ in range(20):
            order_paid.send(None, using=alias, name="a")
        before = open_connections(alias)
        Worker(DjangoDatabase(alias), concurrency=2).drain()
        # A server ends its side of a closed connection a moment later.
        deadline = time.monotonic() + 10
        while open_connections(alias) > before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert open_connections(alias) == before


def test_a_receiver_that_rolls_its_block_back_has_failed(alias):
    """The end of its delivery would be rolled back too, and it would be made again and again."""

    def roll_back(using, **kwargs):
        transaction.set_rollback(True, using=using)

    async def aroll_back(using, **kwargs):
        await sync_to_async(transaction.set_rollback)(True, using=using)

    for receiver in (roll_back, aroll_back):
        with connected(receiver, database=alias, name="roll", effects="same database", retries=0):
            order_paid.send(None, using=alias)
            assert Worker(DjangoDatabase(alias)).drain()["dead"] == 1


@pytest.mark.parametrize("effects", [None, "same database"])
def test_async_receivers_keep_their_connections(alias, effects):
    """A delivery costs no connection of its own."""
    opened = []
    connection_created.connect(note_connection := lambda **_: opened.append(1))
    try:
        with connected(awrite, database=alias, effects=effects):
            for _ in range(30):
                order_paid.send(None, using=alias, name="a")
            Worker(DjangoDatabase(alias), concurrency=2).drain()
    finally:
        connection_created.disconnect(note_connection)
    assert authors(alias) == 30
    # Two receivers at a time, and the worker's own connections.
    assert len(opened) <= 10


def test_a_lost_connection_fails_one_delivery_only(alias):
    """The next receiver of the thread gets another connection."""

    if connections[alias].vendor == "sqlite":
        pytest.skip("a file is not lost")

    def close_first(number, **kwargs):
        note(None, None, number=number)
        authors(alias)
        if len(calls) == 1:
            connections[alias].connection.close()
            authors(alias)

    with connected(close_first, database=alias, name="close", backoff=lambda _: 0.0):
        for number in range(5):
            order_paid.send(None, using=alias, number=number)
        counts = Worker(DjangoDatabase(alias), concurrency=1).drain()
    assert (counts["made"], counts["retried"]) == (5, 1)


def open_connections(alias):
    """Return how many connections the server has to this database."""
    queries = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()",
        "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = database()",
    }
    query = queries.get(connections[alias].vendor)
    if query is None:
        return 0
    with connections[alias].cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def test_wrong_options_are_refused(alias):
    """A wrong option is refused in one sentence."""
    with pytest.raises(CommandError, match="concurrency"):
        work(alias, concurrency=0)
    with pytest.raises(CommandError, match="not allowed with argument"):
        call_command("work", "--once", "--drain", f"--database={alias}")
    with (
        connected(note, database=alias),
        pytest.raises(CommandError, match=r"The names are: .*note"),
    ):
        work(alias, receivers=["typo"])


def test_once_looks_once(alias, capsys):
    """With `--once` the command makes the stored deliveries and ends."""
    with connected(note, database=alias):
        order_paid.send(None, using=alias, number=0)
        assert "Stopped: 1 made." in work(alias, capsys, drain=False, once=True)
        assert "no delivery was due" in work(alias, capsys, drain=False, once=True)


def test_a_database_without_tables_is_refused(alias):
    """A database without tables is refused with the cure."""
    with connections[alias].cursor() as cursor:
        cursor.execute("ALTER TABLE clarion_meta RENAME TO hidden")
        try:
            with pytest.raises(CommandError, match=r"read in .* Run `manage\.py migrate --data"):
                work(alias)
        finally:
            cursor.execute("ALTER TABLE hidden RENAME TO clarion_meta")
