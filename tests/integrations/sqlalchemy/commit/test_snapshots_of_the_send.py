"""Copies of instances that left the session before the commit, and of values of the database."""

import pytest
from sqlalchemy import Computed, FetchedValue, create_engine, func
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    column_property,
    deferred,
    make_transient,
    mapped_column,
)
from sqlalchemy.orm.exc import DetachedInstanceError

from clarion import on_commit
from clarion.integrations.sqlalchemy import post_delete, post_save, pre_save
from tests.integrations.sqlalchemy.shop import Order


@pytest.fixture
def copies():
    """The instances that a receiver of saves and deletes gets."""
    found = []
    for signal in (post_save, post_delete):
        signal.connect(lambda instance, **kwargs: found.append(instance), delivery=on_commit)
    return found


@pytest.fixture
def order(session):
    order = Order(number="1")
    session.add(order)
    session.flush()
    return order


def test_an_instance_that_was_expunged(session, copies, order):
    """The copy has what was committed, not what the program does to the expunged instance later."""
    session.expunge(order)
    order.number = "never written"
    session.commit()
    (copied,) = copies
    assert copied is not order
    assert (copied.id, copied.number) == (order.id, "1")


def test_an_instance_that_was_expunged_after_pre_save(session):
    """The copy of an instance without a key at the send has the key of its row."""
    found = []
    pre_save.connect(lambda instance, **kwargs: found.append(instance), delivery=on_commit)
    order = Order(number="1")
    session.add(order)
    session.flush()
    session.expunge(order)
    order.number = "never written"
    session.commit()
    assert [(each.id, each.number) for each in found] == [(order.id, "1")]


def test_an_instance_of_another_session_now(session, engine, copies, order):
    """The copy has what the first session committed, although another has the instance now."""
    session.expunge(order)
    with Session(engine) as other:
        other.add(order)
        order.number = "2"
        session.commit()
        assert [each.number for each in copies] == ["1"]
        other.rollback()


def test_a_receiver_stores_changes_of_an_expunged_instance(session, order):
    """The copy of an expunged instance is in the receiver's session, which stores its changes."""

    def change(instance, session, **kwargs):
        assert instance in session
        instance.number = "changed"

    post_save.connect(change, once=True, delivery=on_commit)
    order.number = "2"
    session.flush()
    session.expunge(order)
    session.commit()
    assert session.get(Order, order.id).number == "changed"


def test_one_object_saved_as_two_rows(session, copies, order):
    """If one object is saved as two rows, each call gets its own row."""
    first = order.id
    make_transient(order)
    order.id, order.number = None, "2"
    session.add(order)
    session.commit()
    assert [(each.id, each.number) for each in copies] == [(first, "1"), (order.id, "2")]


def test_a_row_whose_primary_key_changes(session, copies, order):
    """A row whose primary key changes is the same row, after a savepoint, too."""
    with session.begin_nested():
        order.id = 77
    session.commit()
    assert [(each.id, each.number) for each in copies] == [(77, "1")] * 2


def test_a_deleted_instance_that_was_expunged(session, copies, order):
    """The copy of a deleted, expunged instance has its former values, and is in no session."""
    session.commit()
    copies.clear()
    assert order.number == "1"
    session.delete(order)
    session.flush()
    make_transient(order)
    order.number = "never written"
    session.commit()
    assert [each.number for each in copies] == ["1"]


class Own(DeclarativeBase):
    """Values that the database makes."""


class Doc(Own):
    __tablename__ = "generated"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(default="")
    double: Mapped[str] = mapped_column(Computed("title || title"))
    stamp: Mapped[str] = mapped_column(server_default="s", server_onupdate=FetchedValue())
    touched: Mapped[str] = mapped_column(default="", onupdate=func.lower("BY SQL"))


Doc.length = column_property(func.length(Doc.title))
Doc.late = deferred(func.length(Doc.title))


def test_values_that_an_update_generates(kind, copies):
    """A copy has generated values as of the commit, and no deferred one."""
    engine = create_engine("sqlite://")
    Own.metadata.create_all(engine)
    with kind(engine) as session:
        doc = Doc(title="a")
        session.add(doc)
        session.commit()
        doc.title = "bc"
        session.commit()
    engine.dispose()
    made, updated = copies
    assert (made.double, made.stamp, made.touched, made.length) == ("aa", "s", "", 1)
    assert (updated.double, updated.stamp, updated.touched, updated.length) == (
        "bcbc",
        "s",
        "by sql",
        2,
    )
    with pytest.raises(DetachedInstanceError):
        updated.late  # noqa: B018
