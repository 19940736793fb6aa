"""The receivers that a worker serves, by the names in the rows."""

from clarion import durable
from tests.worker.stage import worker


def test_deliveries_of_unknown_receivers_wait(stage, paid):
    """Deliveries of unknown and of disconnected receivers wait."""

    def receive(sender, n, **kwargs):
        raise AssertionError

    paid.connect(receive, delivery=durable(name="gone"))
    stage.send(paid, [{"n": 1}])
    paid.disconnect(receive)
    worker(stage).drain()
    assert stage.waiting() == (1, 0)


def test_a_renamed_receiver_gets_what_was_stored_before(stage, paid):
    """A renamed receiver gets earlier deliveries by its alias."""
    seen = []

    def receive(sender, n, **kwargs):
        seen.append(n)

    paid.connect(receive, delivery=durable(name="old", key="n"))
    stage.send(paid, [{"n": 1}])
    paid.disconnect(receive)
    paid.connect(receive, delivery=durable(name="new", key="n", aliases=["old"]))
    stage.send(paid, [{"n": 2}])
    worker(stage).drain()
    assert sorted(seen) == [1, 2]
