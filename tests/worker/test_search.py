"""The search for work."""

from clarion import durable
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
