"""Workers that PostgreSQL notifies, with any kind of database."""

import threading
from contextlib import contextmanager

from clarion import Signal, durable
from clarion.envelope import seal
from clarion.outbox import store
from clarion.outbox.delivery_row import Target
from clarion.testing import restored
from clarion.worker import Worker, notifications, polling
from tests.worker.stage import in_thread, until

FAR = 600.0  # seconds; no test waits for it

paid = Signal(name="notified.paid")


def publish(sender, n):
    """Store a delivery on a connection of the outbox, without waking the workers of this process."""
    with sender.transaction():
        store.publish(sender, seal(paid, {"sender": None, "n": n}), [Target("notified")])


def listeners(sender):
    """Return the processes of the server that listen, by the name of the program of a connection."""
    query = (
        "SELECT pid FROM pg_stat_activity "
        "WHERE datname = current_database() AND query = 'SELECT pg_backend_pid()' "
        "AND application_name = current_setting('application_name')"
    )
    return [pid for (pid,) in sender.connection.execute(query).fetchall()]


def threads():
    """Return the threads that listen."""
    return [each for each in threading.enumerate() if each.name == "clarion-listen"]


@contextmanager
def idle_worker(database, monkeypatch):
    """Run a worker that looks once and then waits, and yield the calls of its receiver.

    At the end it must stop before its next poll, and leave no thread that listens.
    """
    monkeypatch.setattr(polling, "SHORTEST", FAR)
    monkeypatch.setattr(notifications, "LONGEST_SILENCE", FAR)
    calls = []

    def receive(sender, n, **kwargs):
        calls.append(n)

    with restored():
        paid.connect(receive, weak=False, delivery=durable(name="notified"))
        worker = Worker(database, poll=FAR)
        worker.__enter__()
        try:
            yield calls
        finally:
            in_thread(lambda: worker.__exit__(None, None, None), 60)
    assert not threads()


def check_woken(database, sender, monkeypatch):
    """Check that each commit of another connection wakes an idle worker."""
    with idle_worker(database, monkeypatch) as calls:
        until(lambda: listeners(sender))
        for n in range(3):
            publish(sender, n)
            until(lambda expected=[*range(n + 1)]: calls == expected)


def check_woken_after_a_loss(database, sender, monkeypatch):
    """Check that a worker listens again after its connection was ended."""
    monkeypatch.setattr(notifications, "RECONNECT_SECONDS", 0.01)
    with idle_worker(database, monkeypatch) as calls:
        until(lambda: listeners(sender))
        [pid] = listeners(sender)
        sender.connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        until(lambda: listeners(sender) not in ([], [pid]))
        publish(sender, 1)
        until(lambda: calls == [1])


def check_polls(database, sender):
    """Check that a worker does not listen to tables without a trigger, and makes deliveries."""
    calls = []

    def receive(sender, n, **kwargs):
        calls.append(n)

    with restored():
        paid.connect(receive, weak=False, delivery=durable(name="notified"))
        with database.listening(calls.append):
            until(lambda: not threads())
            # The server ends a closed connection a moment later.
            until(lambda: not listeners(sender))
        with Worker(database, poll=0.05):
            publish(sender, 1)
            until(lambda: calls == [1])
