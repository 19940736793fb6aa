"""Stored deliveries as JSON."""

import json
import traceback

import pytest

from clarion.outbox import store
from clarion.outbox.facts import (
    all_facts_of_dead,
    count_dead,
    decoded,
    error_line,
    facts_of_database,
    facts_of_dead,
    facts_of_list,
    facts_of_receiver,
    note_of_keys,
    note_of_suspects,
)
from clarion.outbox.waits import list_suspects
from tests.outbox.shop import Shop


@pytest.fixture
def shop(tmp_path):
    """Return an empty outbox in a file of SQLite."""
    return Shop(f"sqlite:///{tmp_path / 'shop.db'}").create()


def test_a_dead_delivery_is_json(shop):
    """The facts of a dead delivery are JSON, with the payload as it was sent."""
    row = shop.bury(error="Traceback:\nValueError: no", number=7)
    dead = shop.run(store.find_dead, row)
    short, full = facts_of_dead(dead), all_facts_of_dead(dead)
    assert json.loads(json.dumps(full)) == full
    assert short.items() <= full.items()
    assert (full["id"], full["receiver"], full["signal"]) == (row, "shop:mail", "shop.order_paid")
    assert (full["error"], full["failures"], full["key"]) == ("ValueError: no", 1, None)
    assert full["payload"]["values"] == {"number": 7}


def test_a_receiver_is_json(shop):
    """The counts of a receiver are JSON, also if nothing waits."""
    shop.bury()
    (counts,) = shop.run(store.waiting)
    expected = {"receiver": "shop:mail", "waiting": 0, "first_due": None, "failing": 0, "dead": 1}
    assert facts_of_receiver(counts) == {**expected, "suspects": 0}


def test_a_database_and_a_list_have_totals(shop):
    """A database has the sums of its receivers; a list, how many are dead besides those listed."""
    rows = [shop.bury(), shop.bury(), shop.bury("shop:stock")]
    shop.publish()
    counts = shop.run(store.waiting)
    found = facts_of_database("the shop", counts, [])
    assert (found["database"], found["waiting"], found["dead"]) == ("the shop", 1, 3)
    assert found["receivers"] == [facts_of_receiver(each) for each in counts]
    assert (count_dead(counts, None), count_dead(counts, "shop:stock")) == (3, 1)
    listed = facts_of_list(shop.run(store.list_dead)[:1], counts, "shop:mail")
    assert (listed["total"], [each["id"] for each in listed["deliveries"]]) == (2, rows[:1])


def test_suspects_are_json(shop):
    """A delivery that has lost a worker is JSON, and its receiver counts it."""
    shop.publish()
    row = shop.lose_workers(2)
    suspects = shop.run(list_suspects)
    found = facts_of_database("the shop", shop.run(store.waiting), suspects)
    assert json.loads(json.dumps(found)) == found
    assert found["receivers"][0]["suspects"] == 1
    assert found["suspects"] == [
        {
            "id": row,
            "receiver": "shop:mail",
            "signal": "shop.order_paid",
            "key": None,
            "uid": str(suspects[0].uid),
            "failures": 0,
            "lost_workers": 2,
        }
    ]


def test_the_note_of_suspects_counts_them(shop):
    """Without a delivery that has lost a worker there is no note."""
    shop.publish()
    assert note_of_suspects(shop.run(store.waiting)) == ""
    shop.lose_workers(1)
    assert note_of_suspects(shop.run(store.waiting)).startswith("1 delivery has lost a worker.")


def test_the_note_of_keys_needs_a_dead_one_with_a_key(shop):
    """Without a key, or without a waiting delivery of its receiver, nothing waits for a dead one."""

    def note():
        return note_of_keys(shop.run(store.waiting), shop.run(store.list_dead))

    shop.bury()
    shop.publish()
    shop.bury("shop:stock", key="7")
    assert note() == ""
    shop.publish("shop:stock", key="7")
    assert note() == " Later deliveries of the same keys may wait for them."


def raise_noted():
    """Raise an error with a cause and a note, and with two lines in its message."""
    failed = ValueError("no\nmore of it")
    failed.add_note("Raised by a receiver.")
    raise failed from KeyError("first")


def raise_group():
    """Raise a group of two errors."""
    raise ExceptionGroup("two", [OSError("one"), OSError("two")])


@pytest.mark.parametrize(
    ("fails", "line"),
    [
        (raise_noted, "ValueError: no"),
        (raise_group, "ExceptionGroup: two (2 sub-exceptions)"),
        (lambda: compile("1 +", "shop.py", "exec"), "SyntaxError: invalid syntax"),
    ],
)
def test_the_line_of_an_error(fails, line):
    """It names the last error, not its note, its cause or a member."""
    with pytest.raises(Exception) as raised:  # noqa: PT011  # each is another one
        fails()
    assert error_line("".join(traceback.format_exception(raised.value))) == line
    assert (
        error_line("".join(traceback.format_exception(raised.value.with_traceback(None)))) == line
    )


def test_the_line_of_a_text_that_is_no_traceback():
    """Its last line is shown; there may be none."""
    assert error_line("Traceback:\n  File\nValueError: no\n\n") == "ValueError: no"
    assert error_line("  File\n  raise it\n") == "raise it"
    assert error_line("") == ""


def test_a_damaged_payload_is_none():
    """A payload that is no JSON, or is nested too deeply, is None."""
    assert decoded(b"\xff") is None
    assert decoded(b"[" * 200_000) is None
