"""What receivers may do in a flush, and what an error leaves behind."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from clarion import receiver
from clarion.integrations.sqlalchemy import (
    SignalSession,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from tests.integrations.sqlalchemy.shop import Book, Customer, Order, Tag, count

SAVES = pre_save, post_save


DELETES = pre_delete, post_delete


def test_pre_save_may_query_and_lazy_load(session):
    """A query in pre_save reads the database, without a flush."""
    customer = Customer(name="c", orders=[Order(number="1")])
    session.add(customer)
    session.commit()
    seen = []

    @receiver(pre_save, sender=Customer)
    def look(instance, **kwargs):
        seen.append((len(instance.orders), count(session, Tag)))
        with session.begin_nested():
            seen.append(count(session, Order))

    session.add(Tag(name="pending"))
    customer.name = "d"
    session.commit()
    assert seen == [(1, 0), 1]


def test_pre_save_must_not_flush(session):
    """A flush in pre_save is refused, and the session goes on."""

    @receiver(pre_save, sender=Order)
    def flush(**kwargs):
        with pytest.raises(InvalidRequestError, match="already flushing"):
            session.flush()

    session.add(Order(number="1"))
    session.commit()
    assert count(session, Order) == 1


def test_error_in_pre_save_leaves_the_session_usable(session):
    """After an error in pre_save nothing was written or rolled back, and the flush can be repeated."""
    session.add(Tag(name="before"))
    session.flush()
    fails = [True]

    @receiver(pre_save, sender=Order)
    def refuse(**kwargs):
        if fails:
            raise ValueError("no")

    session.add(Order(number="1"))
    with pytest.raises(ValueError, match="no"):
        session.flush()
    assert session.scalar(select(Tag.name).execution_options(autoflush=False)) == "before"
    fails.clear()
    session.commit()
    assert count(session, Order) == count(session, Tag) == 1


def test_post_save_may_write_query_and_open_savepoints(session):
    """A receiver of post_save may do everything except ending the transaction."""

    @receiver(post_save, sender=Customer, once=True)
    def work(instance, **kwargs):
        assert instance.orders == []
        session.add(Order(number="1", customer=instance))
        session.flush()
        assert count(session, Order) == 1
        with session.begin_nested():
            session.add(Tag(name="kept"))
        nested = session.begin_nested()
        session.add(Book(title="dropped"))
        session.flush()
        nested.rollback()
        instance.name = "changed"

    session.add(Customer(name="c"))
    session.commit()
    assert session.scalar(select(Customer.name)) == "changed"
    assert count(session, Tag) == 1
    assert count(session, Book) == 0


def test_post_save_may_add_for_the_next_flush(session, recorded):
    """Objects that post_save adds are written by the same commit."""
    recorded.listen(post_save, sender=Tag)

    @receiver(post_save, sender=Order)
    def add(instance, **kwargs):
        session.add(Tag(name=instance.number))

    session.add(Order(number="1"))
    session.commit()
    assert session.scalar(select(Tag.name)) == "1"
    assert len(recorded) == 1


def test_error_in_post_save_rolls_a_plain_session_back(engine):
    """An error in post_save rolls a plain session back, as any error of a flush."""

    @receiver(post_save, sender=Order)
    def fail(**kwargs):
        raise ValueError("no")

    with Session(engine) as session:
        session.add(Tag(name="t"))
        session.flush()
        session.add(Order(number="1"))
        with pytest.raises(ValueError, match="no"):
            session.flush()
        session.rollback()
        assert count(session, Tag) == 0


def test_error_leaves_nothing_for_the_next_flush(session, recorded):
    """The next flush sends its own signals only."""
    session.add(Order(id=1, number="1"))
    session.commit()
    session.expunge_all()
    recorded.listen(post_save)
    session.add(Order(id=1, number="again"))
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    session.add(Tag(name="t"))
    session.commit()
    assert recorded.names == [("post_save", "Tag")]


def test_existing_sessionmakers_and_scoped_sessions_send(engine, recorded):
    """Sessions of existing sessionmakers and scopes send without a registration."""
    maker = sessionmaker(engine)
    scoped = scoped_session(maker)
    session = maker()
    recorded.listen(post_save, sender=Tag)
    session.add(Tag(name="1"))
    session.commit()
    scoped.add(Tag(name="2"))
    scoped.commit()
    scoped.remove()

    class Mine(Session):
        pass

    with Mine(engine) as mine:
        mine.add(Tag(name="3"))
        mine.commit()
    session.close()
    assert len(recorded) == 3


def test_commit_that_fails_in_a_signal_session(engine):
    """An error in post_save comes out of commit(), and the transaction stays open."""
    fails = [True]

    @receiver(post_save, sender=Order)
    def fail(**kwargs):
        if fails:
            raise ValueError("no")

    with SignalSession(engine) as session:
        session.add(Order(number="1"))
        with pytest.raises(ValueError, match="no"):
            session.commit()
        fails.clear()
        session.commit()
        assert count(session, Order) == 1
