"""Settlements in groups, with their fence."""

import pytest

from clarion import durable
from tests.worker.stage import note, select, worker


@pytest.mark.parametrize("key", [None, "n"])
def test_a_delivery_that_another_worker_has_is_not_settled(stage, paid, key):
    """A worker that held a delivery longer than its lease settles nothing."""
    seen = []

    @paid.connect(delivery=durable(name="slow", key=key))
    def receive(sender, n, **kwargs):
        seen.append(n)
        if len(seen) == 1:
            stage.run("UPDATE clarion_delivery SET visible_at = 0")
            stage.run("UPDATE clarion_partition SET leased_until = 0")
            other.drain()

    first, other = worker(stage, concurrency=1), worker(stage)
    stage.send(paid, [{"n": 1}])
    first.drain()
    assert seen == [1, 1]
    assert (first.counts["made"], first.counts["lost"]) == (0, 1)
    assert other.counts["made"] == 1
    assert stage.waiting() == (0, 0)


@pytest.mark.parametrize("key", [None, "n"])
def test_the_failure_of_a_delivery_that_is_not_held_is_logged(stage, paid, key, caplog):
    """A receiver that commits its own transaction has ended its delivery, so nothing is recorded."""

    @paid.connect(delivery=durable(name="commits", key=key, effects="same database"))
    def receive(sender, n, connection, **kwargs):
        note(connection, "commits", "", n)
        connection.commit()

    stage.send(paid, [{"n": 1}])
    assert worker(stage).drain()["lost"] == 1
    assert stage.waiting() == (0, 0)
    assert stage.counted("commits") == {1: 1}
    (record,) = caplog.records
    assert "has failed, but is not held by this worker any more" in record.getMessage()
    assert "has ended the transaction of its delivery" in caplog.text


def test_slow_deliveries_are_settled_one_by_one(stage, paid):
    """Slow deliveries are settled one by one, so a crash repeats only the last."""
    left = []

    @paid.connect(delivery=durable(name="slow"))
    def receive(sender, n, **kwargs):
        with stage.connected() as connection:
            ((count,),) = select(connection.connection, "SELECT count(*) FROM clarion_delivery")
        left.append(count)

    stage.send(paid, [{"n": n} for n in range(4)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clarion.worker.settler.LONGEST_WAIT", -1.0)
        worker(stage).drain()
    assert left == [4, 3, 2, 1]
