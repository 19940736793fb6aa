"""The dead deliveries that a command changes."""

from contextlib import closing

import pytest

from clarion.errors import ArgumentError
from clarion.outbox import store
from clarion.worker import upkeep as module
from clarion.worker.upkeep import Selection, prune, why_none
from tests.outbox.shop import Shop


@pytest.fixture
def any_shop(stage):
    """Return an empty outbox on each kind of database."""
    return Shop(stage.url)


@pytest.fixture
def change(any_shop):
    """Return a function that changes a selection on each kind of database."""

    def change(selection, function):
        with closing(any_shop.database.connect()) as connection:
            return selection.count(connection), selection.change(connection, function)

    return change


@pytest.mark.parametrize(
    ("ids", "receiver", "is_all"),
    [(None, None, False), ([1], "shop:mail", False), ([1], None, True), ([], "shop:mail", True)],
)
def test_one_choice_is_given(ids, receiver, is_all):
    """Exactly one of ids, a receiver and all is accepted; none, or two, is refused."""
    with pytest.raises(ArgumentError, match="Name what you mean"):
        Selection(ids, receiver, is_all=is_all)


def test_ids_are_changed(any_shop, change):
    """The deliveries with these ids are requeued, each once."""
    rows = [any_shop.bury() for _ in range(3)]
    assert change(Selection([rows[0], rows[2], rows[0]], None, is_all=False), store.requeue) == (
        2,
        [rows[0], rows[2]],
    )
    assert any_shop.dead() == [rows[1]]
    assert any_shop.counts() == {"shop:mail": (2, 1)}


def test_an_unknown_id_changes_nothing(any_shop, change):
    """If one id is unknown, no delivery is changed."""
    row = any_shop.bury()
    with closing(any_shop.database.connect()) as connection, pytest.raises(ArgumentError):
        Selection([row, 99], None, is_all=False).change(connection, store.discard)
    assert any_shop.dead() == [row]


def test_a_receiver_is_changed_in_batches(any_shop, change, monkeypatch):
    """All deliveries of a receiver are changed, even if they are more than one batch."""
    monkeypatch.setattr(module, "BATCH", 2)
    rows = [any_shop.bury() for _ in range(5)]
    other = any_shop.bury("shop:stock")
    assert change(Selection(None, "shop:mail", is_all=False), store.discard) == (5, rows)
    assert any_shop.dead() == [other]


def test_all_are_changed(any_shop, change):
    """All deliveries are changed, and a second time there is nothing to do."""
    rows = [any_shop.bury("shop:mail"), any_shop.bury("shop:stock")]
    assert change(Selection(None, None, is_all=True), store.requeue) == (2, rows)
    assert change(Selection(None, None, is_all=True), store.requeue) == (0, [])


def test_a_delivery_that_dies_again_meanwhile_is_taken_once(any_shop, change, monkeypatch):
    """A worker may make a requeued delivery, and give it up again, before the command ends."""
    monkeypatch.setattr(module, "BATCH", 1)
    rows = [any_shop.bury() for _ in range(2)]
    taken = []

    def requeue(connection, row):
        assert row not in taken, "it is taken again"
        taken.append(row)
        store.requeue(connection, row)
        [claim] = store.claim(connection, "shop:mail", 1, 60_000)
        store.bury(connection, "shop:mail", claim, "ValueError: no", block=True)

    assert change(Selection(None, None, is_all=True), requeue) == (2, rows)
    assert any_shop.dead() == rows


def test_progress_is_reported(any_shop, monkeypatch):
    """After each transaction, the number of changed deliveries is reported."""
    monkeypatch.setattr(module, "BATCH", 2)
    monkeypatch.setattr(module, "PRUNED_AT_ONCE", 2)
    for _ in range(3):
        any_shop.bury()
    discarded: list[int] = []
    pruned: list[int] = []
    with closing(any_shop.database.connect()) as connection:
        Selection(None, None, is_all=True).change(connection, store.discard, discarded.append)
        assert prune(connection, 86_400_000) == 0
        assert prune(connection, 0, pruned.append) == 3
    assert (discarded, pruned) == ([2, 3], [2, 3])


def test_why_nothing_was_found():
    """A name without deliveries is explained, and the absence of a name is not."""
    assert why_none(None, []) == ""
    assert why_none("", []) == (
        "No delivery is stored for the receiver ''. The receivers with deliveries are: none."
    )
