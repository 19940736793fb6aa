"""Workers of the sender's process are woken by a commit."""

import pytest

from clarion import Signal, durable
from clarion.commit import atomic
from clarion.outbox import wake
from tests.outbox.databases import outbox_on
from tests.outbox.places import default_place


@pytest.fixture
def woken():
    """Return a list that grows each time a worker is woken."""
    calls = []

    def note():
        calls.append("woken")

    wake.add_worker(note)
    yield calls
    wake.remove_worker(note)
    wake.remove_worker(note)  # a second time does nothing


@pytest.fixture
def order_paid(tmp_path):
    """Return a signal with a durable receiver, and its outbox."""
    signal = Signal(name="shop.order_paid")
    signal.connect(mail, delivery=durable(name="mail"))
    with outbox_on("sqlite", tmp_path) as outbox:
        signal_and_outbox = signal, outbox
        yield signal_and_outbox


def mail(sender, **kwargs):
    """Send a mail."""


def test_a_commit_wakes_once(order_paid, woken):
    """A commit wakes the workers once, for any number of sends, and not before it."""
    signal, outbox = order_paid
    with atomic(outbox.open().connection):
        signal.send("web")
        signal.send("web")
        assert woken == []
    assert woken == ["woken"]


def test_a_rollback_wakes_no_worker(order_paid, woken):
    """A rollback wakes no worker, because nothing was stored."""
    signal, outbox = order_paid
    with pytest.raises(LookupError), atomic(outbox.open().connection):
        signal.send("web")
        raise LookupError
    assert woken == []


def test_a_send_outside_a_transaction_wakes_at_once(order_paid, woken):
    """A send outside a transaction wakes the workers after its own transaction."""
    signal, outbox = order_paid
    with default_place(outbox):
        signal.send("web")
    assert woken == ["woken"]


def test_a_failing_wake_stops_nothing(order_paid, woken, caplog):
    """A wake that raises is logged, and the others are called."""
    signal, outbox = order_paid

    def fail():
        raise LookupError

    wake.add_worker(fail)
    try:
        with default_place(outbox):
            signal.send("web")
    finally:
        wake.remove_worker(fail)
    assert woken == ["woken"]
    assert "could not be woken" in caplog.text
