"""The jobs of a worker."""

from clarion import durable
from clarion.errors import Reject
from clarion.outbox.delivery_row import partition_of
from clarion.worker.connections import in_transaction
from tests.worker.stage import worker


def test_a_blocked_key_does_not_fill_the_window(stage, paid):
    """Deliveries behind a dead one do not keep other keys out of the window."""
    same = next(f"k{n}" for n in range(1000) if partition_of(f"k{n}") == partition_of("a"))
    seen = []

    @paid.connect(delivery=durable(name="ordered", key="key"))
    def receive(sender, key, n, **kwargs):
        if key == "a":
            raise Reject
        seen.append((key, n))

    stage.send(paid, [*[{"key": "a", "n": n} for n in range(100)], {"key": same, "n": 0}])
    worker(stage, batch=10).drain()
    assert seen == [(same, 0)]
    assert stage.waiting() == (99, 1)


def test_a_batch_ends_and_the_next_begins_in_one_transaction(stage, paid, monkeypatch):
    """A batch is settled and the next one claimed in one transaction."""
    begun = []

    def counted(place):
        def run(connection, function):
            begun.append(place)
            return in_transaction(connection, function)

        return run

    paid.connect(lambda **kwargs: None, weak=False, delivery=durable(name="counted"))
    stage.send(paid, [{"n": n} for n in range(30)])
    monkeypatch.setattr("clarion.worker.jobs.in_transaction", counted("claim"))
    monkeypatch.setattr("clarion.worker.settler.in_transaction", counted("settlement"))
    assert worker(stage, batch=10, concurrency=1).drain()["made"] == 30
    assert begun == ["claim", "settlement", "settlement", "settlement"]


def test_a_worker_that_stops_claims_nothing_more(stage, paid):
    """A stopping worker releases the deliveries that it has not begun."""
    seen = []

    @paid.connect(delivery=durable(name="stopping"))
    def receive(sender, n, **kwargs):
        seen.append(n)
        if len(seen) == 3:
            first.stop()

    first = worker(stage, batch=3, concurrency=1)
    stage.send(paid, [{"n": n} for n in range(9)])
    first.drain()
    assert seen == [0, 1, 2]
    assert worker(stage).drain()["made"] == 6
    assert seen == list(range(9))
