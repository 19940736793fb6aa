"""What a worker has done, and what it has left, in one line."""

from collections import Counter

from clarion import Signal, durable
from clarion.worker.summary import find_waits, summary
from tests.outbox.shop import Shop


def note(sender, **kwargs): ...


def note_again(sender, **kwargs): ...


def test_the_counts_are_in_one_order():
    """The counts have a fixed order, and zero counts are left out."""
    assert summary(Counter(retried=1, made=3, lost=0)) == "Stopped: 3 made, 1 retried."
    assert summary(Counter()) == "Stopped: no delivery was due."
    assert summary(Counter(made=1), "2 wait.") == "Stopped: 1 made. 2 wait."


def test_what_waits_is_that_of_the_served_receivers(tmp_path):
    """Deliveries of receivers that the worker has not served are left out."""
    shop = Shop(f"sqlite:///{tmp_path / 'shop.db'}").create()
    signal = Signal()
    signal.connect(note, delivery=durable(name="shop:mail"))
    signal.connect(note_again, delivery=durable(name="shop:bill"))
    for receiver in ("shop:mail", "shop:bill", "shop:old"):
        shop.publish(receiver)
    assert find_waits(shop.database) == "These deliveries wait: 2 can be made now."
    assert find_waits(shop.database, ["shop:bill"]).endswith(" 1 can be made now.")
    assert find_waits(shop.database, []) == ""
