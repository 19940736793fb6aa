"""The jobs of a worker."""

from clarion import durable
from clarion.errors import Reject
from clarion.outbox.delivery_row import partition_of
from tests.worker.stage import worker


def test_a_blocked_key_does_not_fill_the_window(stage, paid):
    """Other keys of its partition pass the deliveries that wait behind a dead one."""
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
