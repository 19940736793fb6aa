"""Stored deliveries without a receiver, and tables that cannot be used."""

from contextlib import closing

import pytest

from clarion import Signal, durable
from clarion.doctor import examine
from clarion.envelope import seal
from clarion.outbox import open_database, store
from clarion.outbox.delivery_row import Target
from clarion.outbox.tables import create_tables
from clarion.worker.connections import in_transaction

order_paid = Signal(name="shop.order_paid")


def send_receipt(**kwargs):
    """Do nothing."""


@pytest.fixture
def database(tmp_path):
    """Return an empty file of SQLite."""
    return open_database(f"sqlite:///{tmp_path}/shop.db")


def change(database, function, *arguments):
    """Call a function of the store in a transaction."""
    with closing(database.connect()) as connection:
        return in_transaction(connection, lambda open_: function(open_, *arguments))


def store_for(database, *names):
    """Store a delivery for each receiver."""
    change(database, create_tables)
    envelope = seal(order_paid, {"sender": None, "signal": order_paid})
    change(database, store.publish, envelope, [Target(each, None) for each in names])


@pytest.fixture
def connected():
    """Connect a durable receiver."""
    order_paid.connect(send_receipt, delivery=durable)
    yield f"{__name__}:send_receipt"
    order_paid.disconnect(send_receipt)


def of(database, *codes):
    """Return the findings of these codes in a database."""
    return [each for each in examine(databases=[database]) if each.code in codes]


def test_missing_tables(database):
    """The database is named, and the command that creates them."""
    [finding] = of(database, "W002", "W005")
    assert (finding.code, finding.subject) == ("W002", "the SQLite file 'shop.db'")
    assert finding.problem == (
        "The tables of the outbox cannot be read in the SQLite file 'shop.db'."
    )
    assert "clarion outbox create" in finding.cure


def test_tables_of_another_version(database):
    """Both versions are named."""
    change(database, create_tables)
    with closing(database.connect()) as connection:
        connection.connection.execute("UPDATE clarion_meta SET value = 7")
    [finding] = of(database, "W002", "W005")
    assert finding.problem.endswith("have version 7, and this Clarion works with version 1.")
    assert finding.cure == "Upgrade Clarion first."


def test_a_receiver_that_is_not_connected(database, connected):
    """It is found with the number of its deliveries, and none that is connected."""
    store_for(database, "qqq", "qqq", connected)
    [finding] = of(database, "W002", "W005")
    assert (finding.code, finding.subject, finding.file) == ("W005", "qqq", None)
    assert finding.problem == (
        "2 deliveries wait in the SQLite file 'shop.db' for the receiver 'qqq', which is not connected."
    )
    assert "aliases=" in finding.cure


@pytest.mark.parametrize("old", ["elsewhere:send_receipt", f"{__name__}:send_recipt"])
def test_a_receiver_that_was_renamed(database, connected, old):
    """The receiver that replaces it is named, with the option to give it."""
    store_for(database, old)
    [finding] = of(database, "W002", "W005")
    assert finding.problem.startswith("1 delivery waits in ")
    assert finding.cure == f"If it is now '{connected}', connect that with aliases=['{old}']."
    assert finding.file == __file__
    assert finding.line == send_receipt.__code__.co_firstlineno


def test_a_signal_that_was_moved(database, connected):
    """The receiver is connected, but not to the signal of its deliveries: no worker makes them."""
    store_for(database, connected)
    assert of(database, "W002", "W005") == []
    order_paid.disconnect(send_receipt)
    moved = Signal(name="shop.events.order_paid")
    moved.connect(send_receipt, delivery=durable)
    try:
        [finding] = of(database, "W002", "W005")
    finally:
        moved.disconnect(send_receipt)
    assert finding.problem == (
        f"1 delivery waits in the SQLite file 'shop.db' for the receiver '{connected}' of the signal "
        f"'shop.order_paid', and it is connected to 'shop.events.order_paid' only."
    )
    assert finding.cure.endswith("keep its former name with name='shop.order_paid'.")
    assert (finding.file, finding.line) == (__file__, send_receipt.__code__.co_firstlineno)


def test_an_alias_is_the_cure(database):
    """With it, nothing is found."""
    store_for(database, "old")
    order_paid.connect(send_receipt, delivery=durable(aliases=["old"]))
    try:
        assert of(database, "W002", "W005") == []
    finally:
        order_paid.disconnect(send_receipt)
