"""An outbox for the tests of workers, and a table for the effects of receivers."""

import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

from clarion.commit import atomic
from clarion.outbox import open_database, store
from clarion.outbox.tables import create_tables
from clarion.worker import Worker
from tests.outbox.databases import MARIADB_OUTBOXES, POSTGRES_OUTBOXES, create_effects
from tests.services import MARIADB, POSTGRES

LEASE = 2.0  # seconds; short, so that another worker soon takes what a killed one held


class Stage:
    """An outbox on one database.

    Args:
        url: the URL of the database, which is empty.
    """

    def __init__(self, url):
        self.url = url
        self.database = open_database(url)
        with self.connected() as connection:
            with connection.transaction():
                create_tables(connection)
            create_effects(connection)

    @contextmanager
    def connected(self):
        """Yield a connection, which is closed at the end."""
        with closing(self.database.connect()) as connection:
            yield connection

    def send(self, signal, sends):
        """Send each of these keywords, all in one transaction."""
        with self.connected() as connection, atomic(connection.connection):
            for keywords in sends:
                signal.send(None, **keywords)

    def effects(self, receiver=None):
        """Return (receiver, name, n) of each effect, in the order of the writes."""
        with self.connected() as connection:
            found = select(
                connection.connection, "SELECT receiver, name, n FROM effects ORDER BY id"
            )
        return [row for row in found if receiver in {None, row[0]}]

    def counted(self, receiver):
        """Return how often each send had its effect."""
        return Counter(n for _, _, n in self.effects(receiver))

    def uids(self):
        """Return the uid of each send, in their order."""
        with self.connected() as connection:
            found = select(connection.connection, "SELECT uid FROM clarion_event ORDER BY uid")
        return [uid for (uid,) in found]

    def waiting(self):
        """Return the number of deliveries that wait, and of dead ones."""
        with self.connected() as connection:
            found = store.waiting(connection)
        return sum(each.deliveries for each in found), sum(each.dead for each in found)

    def damage(self, column, value, uid):
        """Change a column of an event."""
        self.run(f"UPDATE clarion_event SET {column} = '{value}' WHERE uid = '{uid}'")  # noqa: S608

    def run(self, statement):
        """Execute a statement in a transaction of its own, and return the number of its rows."""
        with self.connected() as connection:
            return execute(connection.connection, statement)

    def dead(self):
        """Return the dead deliveries."""
        with self.connected() as connection:
            return store.list_dead(connection)


def worker(stage, **options):
    """Return a worker of the stage."""
    return Worker(stage.database, **options)


def until_empty(stage, seconds=30.0):
    """Drain until no delivery waits, including those that wait for a retry."""
    deadline = time.monotonic() + seconds
    while stage.waiting()[0]:
        assert time.monotonic() < deadline, "deliveries still wait"
        worker(stage).drain()


def until(condition, seconds=30.0):
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


def in_thread(function, seconds):
    """Return what a function returns; fail if it takes longer."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it does not end"
    return results[0]


def execute(raw, statement):
    """Execute a statement on a connection of a driver, and return the number of rows."""
    cursor = raw.cursor()
    cursor.execute(statement)
    cursor.close()
    return cursor.rowcount


def select(raw, statement):
    """Return the rows of a statement."""
    cursor = raw.cursor()
    cursor.execute(statement)
    found = [tuple(row) for row in cursor.fetchall()]
    cursor.close()
    return found


def note(raw, receiver, name, n):
    """Write the effect of a receiver."""
    execute(raw, effect(receiver, name, n))


def effect(receiver, name, n):
    """Return the statement that writes an effect; the values are the test's own."""
    return f"INSERT INTO effects (receiver, name, n) VALUES ('{receiver}', '{name}', {n:d})"  # noqa: S608


@contextmanager
def sqlite(folder):
    """Yield the URL of a new file."""
    yield f"sqlite:///{folder}/outbox.db"


@contextmanager
def postgresql(folder):
    """Yield the URL of a schema without rows."""
    with POSTGRES_OUTBOXES.lent() as name:
        yield postgres_url(name)


@contextmanager
def new_postgresql():
    """Yield the URL of a new schema."""
    with POSTGRES_OUTBOXES.new() as name:
        yield postgres_url(name)


def postgres_url(name):
    """Return the URL of a schema."""
    return f"{POSTGRES.url()}?options=-csearch_path%3D{name}"


@contextmanager
def mariadb(folder):
    """Yield the URL of a database without rows."""
    with MARIADB_OUTBOXES.lent() as name:
        yield urlsplit(MARIADB.url())._replace(path=f"/{name}").geturl()


PLACES = {"sqlite": sqlite, "postgresql": postgresql, "mariadb": mariadb}
