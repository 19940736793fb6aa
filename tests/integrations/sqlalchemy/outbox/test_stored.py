"""The model signals are stored in the flush, and their receivers get the same keywords later."""

import datetime as dt
import json
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, inspect, text, update
from sqlalchemy.orm import Session

from clarion import durable
from clarion.changes import Changes
from clarion.envelope import Envelope, GoneError
from clarion.errors import EncodingError
from clarion.integrations.sqlalchemy import (
    expand_deletes,
    m2m_changed,
    post_bulk_delete,
    post_bulk_insert,
    post_bulk_update,
    post_delete,
    post_save,
    pre_save,
)
from clarion.outbox.delivery_row import Claim
from tests.integrations.sqlalchemy.commit.outboxes import file_engine
from tests.integrations.sqlalchemy.outbox.zoo import Base, Size, Stay
from tests.integrations.sqlalchemy.shop import Author, Book, Customer, Order, Tag


@pytest.fixture
def store(tmp_path):
    """Return the engine of a database with an outbox."""
    engine = file_engine(tmp_path / "one.db")
    yield engine
    engine.dispose()


def connect(signal, sender=None, *, name="audit", **options):
    """Connect a durable receiver, which is never called here."""

    def receive(sender, **kwargs):
        raise AssertionError("only a worker calls it")

    signal.connect(receive, sender=sender, weak=False, delivery=durable(name=name, **options))


def envelopes(engine):
    """Return what is stored, in order."""
    query = (
        "SELECT d.id, 0, 0, NULL, e.uid, e.signal, e.version, e.payload, e.headers, e.created_at "
        "FROM clarion_delivery d JOIN clarion_event e ON e.uid = d.event ORDER BY d.id"
    )
    with engine.connect() as connection:
        return [Claim(*row).envelope() for row in connection.execute(text(query))]


def arguments(engine, signal, session):
    """Return the arguments of the only stored send."""
    (envelope,) = envelopes(engine)
    assert isinstance(envelope, Envelope)
    found = envelope.arguments(signal, session)
    assert found.pop("signal") is signal
    return found


def test_post_save_of_a_new_row(store, kind):
    """The worker loads a new row's instance; `created` and `update_fields` are those of the send."""
    connect(post_save, Order)
    with kind(store) as session:
        session.add(Order(number="1"))
        session.commit()
    with Session(store) as session:
        found = arguments(store, post_save, session)
        assert found.pop("instance") is session.get(Order, 1)
    assert found == {
        "sender": Order,
        "created": True,
        "update_fields": None,
        "raw": False,
        "using": "default",
    }


def test_post_save_with_changes(store, kind):
    """Changes are stored with the fields for a receiver that requests them."""
    with kind(store) as session:
        session.add(Order(number="1", amount=5))
        session.commit()

        def audit(changes, update_fields, instance, **kwargs):
            raise AssertionError("only a worker calls it")

        post_save.connect(audit, sender=Order, weak=False, delivery=durable(name="audit"))
        session.get_one(Order, 1).amount = 7
        session.commit()
    with Session(store) as session:
        found = arguments(store, post_save, session)
    assert found["changes"] == Changes({"amount": (5, 7)})
    assert found["update_fields"] == frozenset({"amount"})
    assert type(found["update_fields"]) is frozenset


def test_post_delete_gives_the_instance_as_it_was(store, kind):
    """After a delete, instance and origin are detached and have their last values."""
    with kind(store) as session:
        session.add(Customer(id=1, name="c", orders=[Order(id=2, number="7")]))
        session.commit()
        connect(post_delete, Order)
        session.delete(session.get_one(Customer, 1))
        session.commit()
    with Session(store) as session:
        found = arguments(store, post_delete, session)
    order, customer = found["instance"], found["origin"]
    assert inspect(order).detached
    assert (order.id, order.number, order.amount) == (2, "7", 0)
    assert (type(customer), customer.id, customer.name) == (Customer, 1, "c")


def test_pre_save_of_a_new_row_is_refused(store, kind):
    """pre_save of a new row, which has no key, is refused, and the message names post_save."""
    connect(pre_save, Order)
    with kind(store) as session, pytest.raises(EncodingError, match="post_save"):
        session.add(Order(number="1"))
        session.flush()
    assert envelopes(store) == []


def test_m2m_changed(store, kind):
    """For m2m_changed the sender is the association table, and `pk_set` a set."""
    connect(m2m_changed, Book.authors)
    with kind(store) as session:
        book = Book(title="b")
        session.add(book)
        session.commit()
        book.authors = [Author(id=3, name="a"), Author(id=4, name="b")]
        session.flush()
        first, second = [], []
        session.commit()
    before, after = envelopes(store)
    with Session(store) as session:
        first = before.arguments(m2m_changed, session)
        second = after.arguments(m2m_changed, session)
    assert (first["action"], second["action"]) == ("pre_add", "post_add")
    assert second["sender"] is Book.metadata.tables["book_author"]
    assert second["pk_set"] == {3, 4}
    assert type(second["pk_set"]) is set
    assert second["model"] is Author
    assert (second["reverse"], second["using"], second["raw"]) == (False, "default", False)
    assert second["instance"].title == "b"


def test_bulk_signals(store, kind):
    """The keys and counts of bulk signals are stored, and their statements are not."""
    for signal in (post_bulk_insert, post_bulk_update, post_bulk_delete):
        connect(signal, Tag, name=signal.name)
    with kind(store) as session:
        session.execute(insert(Tag).returning(Tag.id), [{"name": "1"}, {"name": "2"}])
        session.execute(update(Tag).values(name="3"))
        session.execute(delete(Tag))
        session.commit()
    made, changed, gone = envelopes(store)
    found = made.arguments(post_bulk_insert)
    assert found["pk_set"] == {1, 2}
    assert found["sender"] is Tag
    for envelope, signal in ((changed, post_bulk_update), (gone, post_bulk_delete)):
        found = envelope.arguments(signal)
        assert (found["rowcount"], found["statement"], found["criteria"]) == (2, None, None)


def test_a_bulk_write_that_is_rolled_back_stores_nothing(store, kind):
    """The delivery of a bulk write is rolled back with its session."""
    connect(post_bulk_update, Tag)
    with kind(store) as session:
        session.execute(update(Tag).values(name="3"))
        session.rollback()
    assert envelopes(store) == []


def test_a_deletion_by_a_statement_has_no_origin(store, kind):
    """A deletion by a statement has no origin, because a statement cannot be stored."""
    connect(post_delete, Tag)
    with kind(store) as session:
        session.add(Tag(id=1, name="t"))
        session.commit()
        expand_deletes(session)
        session.execute(delete(Tag))
        session.commit()
    with Session(store) as session:
        found = arguments(store, post_delete, session)
    assert found["origin"] is None
    assert found["instance"].name == "t"


def test_a_row_that_is_gone(store, kind):
    """A row that is gone skips the delivery, or is replaced by a snapshot that the receiver chose."""
    connect(post_save, Tag, missing="snapshot")
    with kind(store) as session:
        session.add(Tag(id=1, name="t"))
        session.commit()
        session.delete(session.get_one(Tag, 1))
        session.commit()
    (envelope,) = envelopes(store)
    with Session(store) as session:
        with pytest.raises(GoneError):
            envelope.arguments(post_save, session)
        found = envelope.arguments(post_save, session, snapshots=True)
    assert found["instance"].name == "t"


def test_the_payload_can_be_read(store, kind):
    """Programs in other languages can read the payload."""
    connect(post_save, Tag)
    with kind(store) as session:
        session.add(Tag(id=1, name="t"))
        session.commit()
    (envelope,) = envelopes(store)
    stored = json.loads(envelope.payload)
    name = "tests.integrations.sqlalchemy.shop:Tag"
    assert stored["references"] == {
        "instance": {"kind": "sqlalchemy", "class": name, "key": [1], "database": "default"}
    }


def test_changes_have_the_members_of_enumerations(tmp_path):
    """A column with an enumeration is common, and its receivers get the members."""
    engine = file_engine(tmp_path / "zoo.db")
    Base.metadata.create_all(engine)
    kept = []

    def audit(sender, changes, **kwargs):
        kept.append(changes)

    post_save.connect(audit, sender=Stay, weak=False)
    connect_changes(Stay)
    with Session(engine) as session:
        session.add(
            Stay(guest=UUID(int=1), day=dt.date(2026, 1, 2), rate=Decimal(1), size=Size.BIG)
        )
        session.commit()
        changes = arguments(engine, post_save, session)["changes"]
    assert changes == kept[0]
    assert changes["size"] == (None, Size.BIG)
    engine.dispose()


def connect_changes(sender):
    """Connect a durable receiver that asks for the changes."""

    def receive(sender, changes, **kwargs):
        raise AssertionError("only a worker calls it")

    post_save.connect(receive, sender=sender, weak=False, delivery=durable(name="changes"))
