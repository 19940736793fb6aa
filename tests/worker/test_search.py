"""The search for work."""

import pytest

from clarion import durable
from clarion.worker import jobs
from tests.worker.stage import in_thread, note, worker


def test_an_idle_worker_writes_nothing(stage, paid):
    """A drain ends although another transaction has the write lock; `in_thread` asserts it."""

    @paid.connect(delivery=durable(name="seen", key="n"))
    def receive(sender, n, **kwargs):
        """Receive."""

    idle = worker(stage)
    stage.send(paid, [{"n": 1}])
    idle.drain()
    with stage.connected() as connection, connection.transaction():
        note(connection.connection, "other", "", 1)
        in_thread(idle.drain, seconds=5)


@pytest.mark.parametrize("options", [{}, {"key": "n"}], ids=["unordered", "keyed"])
def test_receivers_take_turns(stage, paid, options, monkeypatch):
    """With fewer jobs than receivers, no receiver waits until another one has nothing left."""
    monkeypatch.setattr(jobs, "LONGEST_JOB", -1.0)  # each job ends after its first batch
    calls = []

    def connect(name, **more):
        @paid.connect(delivery=durable(name=name, **more))
        def receive(sender, n, **kwargs):
            calls.append(name)

    names = ["a", "b", "c", "d"]
    for name in names:
        connect(name, **({} if name == "b" else options))
    stage.send(paid, [{"n": n} for n in range(8)])
    assert worker(stage, batch=1, concurrency=1).drain()["made"] == 32
    turns = [sorted(calls[begin : begin + 4]) for begin in range(0, 32, 4)]
    assert turns == [names] * 8
