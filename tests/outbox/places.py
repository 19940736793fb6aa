"""A database for the tests of sends: a worker's connections to one outbox."""

from contextlib import contextmanager

from clarion.outbox import use_database


class Place:
    """A database as workers see it.

    Args:
        outbox: the outbox of the test.
    """

    name = "the test's database"
    provides: tuple[str, ...] = ()

    def __init__(self, outbox):
        self._outbox = outbox
        self.dialect = outbox.opened[0].dialect

    def connect(self):
        """Open a connection."""
        return self._outbox.connect()

    def transaction(self):
        """Fail: these tests call no receiver."""
        raise NotImplementedError

    def atransaction(self):
        """Fail: these tests call no receiver."""
        raise NotImplementedError


@contextmanager
def default_place(outbox):
    """Store the sends of the block that are in no transaction in this outbox."""
    before = use_database(Place(outbox))
    try:
        yield
    finally:
        use_database(before)


def rows(connection):
    """Return the receiver and the key of each stored delivery, in order."""
    cursor = connection.connection.cursor()
    cursor.execute("SELECT d.receiver, d.key FROM clarion_delivery d ORDER BY d.id")
    found = [tuple(row) for row in cursor.fetchall()]
    cursor.close()
    return found
