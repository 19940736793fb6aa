"""A crash at each statement of a sender and a worker: nothing is lost, or has an effect twice."""

import time
from contextlib import contextmanager, suppress

import pytest

from clarion import Signal, durable
from clarion.errors import Reject
from clarion.outbox import store
from clarion.outbox.database import ReceiverTransaction
from clarion.worker import Worker
from tests.outbox.places import Place

MOST_STATEMENTS = 400
LEASE = 0.1  # seconds


class Crash(BaseException):
    """Raised where the process ends."""


class Fuse:
    """Ends the process at one of its statements.

    Args:
        at: the number of the statement, from 1; None for never.
    """

    def __init__(self, at=None):
        self.at = at
        self.count = 0

    @property
    def is_blown(self):
        """Whether the process has ended. Then it executes no other statement."""
        return self.at is not None and self.count >= self.at

    def burn(self):
        """Count a statement, and end the process before it if its number is reached."""
        if not self.is_blown:
            self.count += 1
        if self.is_blown:
            raise Crash


class Fused:
    """A connection that ends with its process."""

    def __init__(self, connection, fuse):
        self.inner = connection
        self.dialect = connection.dialect
        self.connection = connection.connection
        self._fuse = fuse

    def rows(self, name, **parameters):
        """Count a statement that returns rows."""
        self._fuse.burn()
        return self.inner.rows(name, **parameters)

    def change(self, name, **parameters):
        """Count a statement that changes rows."""
        self._fuse.burn()
        return self.inner.change(name, **parameters)

    def insert(self, name, rows):
        """Count each execution of a statement."""
        for parameters in rows:
            self.change(name, **parameters)

    @property
    def is_mariadb(self):
        """Whether the server is MariaDB."""
        return self.inner.is_mariadb

    @contextmanager
    def transaction(self):
        """Count the COMMIT; after a crash the server rolls back, because the connection is gone."""
        try:
            with self.inner.transaction():
                yield
                self._fuse.burn()
        except Crash:
            self.close()
            raise

    def close(self):
        """Close the connection."""
        with suppress(Exception):
            self.inner.close()


class FusedPlace(Place):
    """A database whose connections end with their process."""

    provides: tuple[str, ...] = ("connection",)
    loads_in_transaction = False

    def __init__(self, outbox, fuse):
        super().__init__(outbox)
        self.fuse = fuse

    def connect(self):
        """Open a connection."""
        return Fused(super().connect(), self.fuse)

    @contextmanager
    def transaction(self):
        """Begin the transaction of a receiver."""
        connection = self.connect()
        try:
            with connection.transaction():
                yield ReceiverTransaction(connection, {"connection": connection.connection})
        finally:
            connection.close()


def execute(connection, statement, *values):
    """Execute a statement with `?` on a connection of any driver."""
    if not type(connection).__module__.startswith("sqlite3"):
        statement = statement.replace("?", "%s")
    cursor = connection.cursor()
    cursor.execute(statement, values)
    return cursor


class Paid(Signal):
    """A signal that keeps its receivers, and whether they reject.

    Attributes:
        kept: the receivers.
        mercy: whether they accept everything.
    """

    kept: tuple[object, ...] = ()
    mercy = False


@pytest.fixture
def order_paid(outbox):
    """Return a signal whose receivers write an effect, fail once, or reject once."""
    signal = Paid(name="shop.order_paid")
    admin = outbox.opened[0].connection
    execute(admin, "CREATE TABLE effect (receiver varchar(20), number integer)")
    same = {"effects": "same database", "backoff": 0.0}

    def write(receiver, number, connection, attempt, error=None):
        execute(connection, "INSERT INTO effect VALUES (?, ?)", receiver, number)
        if error is not None and attempt == 1 and number == 1:
            raise error

    def exact(sender, number, connection, attempt, **kwargs):
        write("exact", number, connection, attempt)

    def keyed(sender, number, connection, attempt, **kwargs):
        write("keyed", number, connection, attempt, OSError("the bank does not answer"))

    def doomed(sender, number, connection, attempt, requeued=(), **kwargs):
        write("doomed", number, connection, attempt, None if signal.mercy else Reject("no"))

    signal.connect(exact, delivery=durable(name="exact", **same))
    signal.connect(keyed, delivery=durable(name="keyed", key="shop", **same))
    signal.connect(doomed, delivery=durable(name="doomed", key="shop", **same))
    signal.kept = (exact, keyed, doomed)
    return signal


def publish(outbox, signal, fuse, number):
    """Send once in a transaction of a process that may end; return whether it has committed."""
    sender = outbox.connect()
    fused = Fused(sender, fuse)
    try:
        with fused.transaction():
            fuse.burn()
            with adopted(sender.connection, fused):
                signal.send("web", shop="a", number=number)
    except Crash:
        return False
    finally:
        fused.close()
    return True


@contextmanager
def adopted(raw, fused):
    """Let sends in this context write to a connection that counts its statements."""
    from clarion.commit.boundary import ActiveBoundary, Boundary

    class Adopted(Boundary):
        name = "the sender's transaction"

        def is_open(self):
            return True

        @contextmanager
        def write_connection(self):
            yield fused

    active = ActiveBoundary(Adopted())
    active.enter()
    try:
        yield
    finally:
        active.leave()


def recover(outbox, signal):
    """Let a healthy process make what is left, and requeue what was given up."""
    place = FusedPlace(outbox, Fuse())
    connection = outbox.opened[0]
    deadline = time.monotonic() + 30
    signal.mercy = True
    while time.monotonic() < deadline:
        Worker(place, lease=LEASE, concurrency=1, poll=0.01).drain()
        with connection.transaction():
            for each in store.list_dead(connection):
                store.requeue(connection, each.id)
        if not any(each.deliveries or each.dead for each in store.waiting(connection)):
            return
        time.sleep(0.01)  # until a lease has ended
    pytest.fail("deliveries are left")


def run_until(outbox, signal, at):
    """Run a sender and a worker that end at a statement; return the committed sends."""
    fuse = Fuse(at)
    signal.mercy = False
    committed = [number for number in (1, 2) if publish(outbox, signal, fuse, number)]
    if not fuse.is_blown:
        worker = Worker(FusedPlace(outbox, fuse), lease=LEASE, concurrency=1, poll=0.01)
        try:
            worker.drain()
        except BaseException:
            if not fuse.is_blown:
                raise
    return fuse, committed


# The process ends in the thread of its leases, too.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_crash_at_a_statement(outbox, order_paid):
    """Each committed send has each effect once; on SQLite at every statement."""
    check_crashes(outbox, order_paid, 1 if outbox.opened[0].dialect == "sqlite" else 9)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_crash_at_each_statement(outbox, order_paid):
    """Each committed send has each effect once, at every statement on every database."""
    check_crashes(outbox, order_paid, 1)


def check_crashes(outbox, order_paid, stride):
    """End a process at one statement after the other, and compare the effects with the sends."""
    admin = outbox.opened[0].connection
    for at in range(1, MOST_STATEMENTS, stride):
        for table in ("event", "delivery", "dead", "blocked", "partition"):
            execute(admin, f"DELETE FROM clarion_{table}")  # noqa: S608
        execute(admin, "DELETE FROM effect")
        fuse, committed = run_until(outbox, order_paid, at)
        recover(outbox, order_paid)
        found = execute(admin, "SELECT receiver, number FROM effect").fetchall()
        for receiver in ("exact", "keyed", "doomed"):
            effects = [number for name, number in found if name == receiver]
            assert sorted(effects) == committed, f"{receiver} at statement {at}"
        if not fuse.is_blown:
            assert at > 20, "the process had few statements"
            return
    pytest.fail("there are more statements than expected")
