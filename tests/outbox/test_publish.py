"""One send is one write, however many durable receivers it has."""

import asyncio

import pytest

from clarion import Signal, durable
from clarion.commit import atomic
from clarion.errors import ArgumentError, BoundaryError, EncodingError
from clarion.outbox.publish import publication_for
from tests.outbox.places import rows


def receiver(sender, **kwargs):
    """Receive each send."""


class Counting:
    """A connection that counts the statements on it."""

    def __init__(self, connection):
        self._connection = connection
        self.dialect = connection.dialect
        self.count = 0

    def rows(self, name, **parameters):
        """Count a statement that returns rows."""
        self.count += 1
        return self._connection.rows(name, **parameters)

    def change(self, name, **parameters):
        """Count a statement that changes rows."""
        self.count += 1
        return self._connection.change(name, **parameters)

    def insert(self, name, rows):
        """Count an INSERT for several rows, which is one call of the driver."""
        self.count += 1
        self._connection.insert(name, rows)

    @property
    def is_mariadb(self):
        """Whether the server is MariaDB."""
        return self._connection.is_mariadb


@pytest.mark.parametrize("count", [1, 3, 10])
def test_the_statements_do_not_grow_with_the_receivers(outbox, count, monkeypatch):
    """A send is one statement on a server, and two on SQLite, for any number of receivers."""
    signal = Signal(name="shop.order_paid")
    for number in range(count):
        signal.connect(
            receiver, sender=None, dispatch_uid=number, delivery=durable(name=f"r{number}")
        )
    counting = Counting(outbox.opened[0])
    monkeypatch.setattr("clarion.outbox.publish.adapt", lambda raw: counting)
    with atomic(outbox.open().connection):
        signal.send("web")
    assert counting.count == (2 if counting.dialect == "sqlite" else 1)
    assert len(rows(outbox.opened[0])) == count


def test_receivers_of_one_database_share_a_batch():
    """Receivers of one database share a batch, so a send is one write."""
    assert publication_for(None) is publication_for(None)
    assert publication_for(None) is not publication_for("other")


def weigh(sender, weight, **kwargs):
    """Need a keyword."""


def order(sender, **kwargs):
    """Receive each send, in the order of a key."""


@pytest.mark.parametrize(
    ("refused", "options"), [(weigh, {}), (order, {"key": "order_id"})], ids=["keyword", "key"]
)
def test_the_note_names_the_receiver_that_refuses_the_send(outbox, refused, options):
    """The receivers of a send share a batch, and the note does not name the first of them."""
    signal = Signal(name="shop.order_paid")
    signal.connect(receiver, delivery=durable(name="mail"))
    signal.connect(refused, delivery=durable(name="refused", **options))
    for send in (signal.send, lambda sender: asyncio.run(signal.asend(sender))):
        with pytest.raises(ArgumentError) as caught, atomic(outbox.open().connection):
            send("web")
        [note] = caught.value.__notes__
        assert note.startswith("Raised by the delivery of receiver")
        assert refused.__name__ in note
        assert ".receiver (" not in note
    assert rows(outbox.opened[0]) == []


def test_an_unknown_alias_is_refused(outbox):
    """An unknown alias is refused; the message names it and the option."""
    signal = Signal(name="shop.order_paid")
    signal.connect(receiver, delivery=durable(name="mail", database="othr"))
    with pytest.raises(BoundaryError, match=r"which durable\(database='othr'\) names"):
        signal.send("web")


@pytest.mark.parametrize("name", ["shop.\0", "shop.\ud800", pytest.param("n" * 201, id="long")])
def test_a_name_of_a_signal_that_no_column_stores_is_refused(outbox, name):
    """The error is the same on each database: PostgreSQL stores no NUL, MariaDB 200 characters."""
    signal = Signal(name=name)
    signal.connect(receiver, delivery=durable(name="mail"))
    with (
        pytest.raises(EncodingError, match="name has more than 200 characters, or one that cannot"),
        atomic(outbox.open().connection),
    ):
        signal.send("web")
    assert rows(outbox.opened[0]) == []


def test_the_alias_chooses_the_transaction(tmp_path, outbox):
    """The transaction of the alias is used, even if another one is the innermost."""
    signal = Signal(name="shop.order_paid")
    signal.connect(receiver, delivery=durable(name="mail", database="shop"))
    shop, other = outbox.open().connection, outbox.open().connection
    with atomic(shop, using="shop"):
        if outbox.opened[0].dialect == "sqlite":
            signal.send("web")  # SQLite has one writer
        else:
            with pytest.raises(LookupError), atomic(other):
                signal.send("web")
                raise LookupError
    assert rows(outbox.opened[0]) == [("mail", None)]


@pytest.mark.service
def test_an_async_transaction_needs_asend(outbox):
    """A sync send in an async transaction is refused: it could not await."""
    psycopg = pytest.importorskip("psycopg")
    if outbox.opened[0].dialect != "postgresql":
        pytest.skip("psycopg is a driver of PostgreSQL")
    signal = Signal(name="shop.order_paid")
    signal.connect(receiver, delivery=durable(name="mail"))
    info = outbox.opened[0].connection.info

    async def main():
        connection = await psycopg.AsyncConnection.connect(
            info.dsn, password=info.password, autocommit=True
        )
        async with connection, atomic(connection):
            with pytest.raises(BoundaryError, match="asend"):
                signal.send("web")
            await signal.asend("web")

    asyncio.run(main())
    assert rows(outbox.opened[0]) == [("mail", None)]
