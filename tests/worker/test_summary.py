"""What a worker has done, in one line."""

from collections import Counter

from clarion.worker.summary import summary


def test_the_counts_are_in_one_order():
    """The counts have a fixed order, and zero counts are left out."""
    assert summary(Counter(retried=1, made=3, lost=0)) == "Stopped: 3 made, 1 retried."
    assert summary(Counter()) == "Stopped: no delivery was due."
