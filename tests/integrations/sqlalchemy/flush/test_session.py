"""SignalSession: an error after the fact leaves the transaction alive."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from clarion import receiver
from clarion.integrations.sqlalchemy import SignalSession, post_save
from tests.integrations.sqlalchemy.shop import Order, Tag


def count(session, kind):
    return session.scalar(select(func.count()).select_from(kind))


def test_error_in_post_save_leaves_the_transaction(engine):
    """What was flushed stays, and can be committed."""

    @receiver(post_save, sender=Order)
    def fail(**kwargs):
        raise ValueError("no")

    with sessionmaker(engine, class_=SignalSession)() as session:
        session.add(Tag(name="before"))
        session.flush()
        session.add(Order(number="1"))
        with pytest.raises(ValueError, match="no"):
            session.flush()
        session.commit()
    with Session(engine) as other:
        assert (count(other, Tag), count(other, Order)) == (1, 1)


def test_it_mixes_with_sessions_of_ones_own(engine, heard):
    """As their first base."""

    class Mine(Session):
        def flush(self, objects=None):
            self.info["flushed"] = True
            super().flush()

    class Both(SignalSession, Mine):
        pass

    heard.listen(post_save)
    with Both(engine) as session:
        session.add(Tag(name="t"))
        session.commit()
        assert session.info["flushed"]
    assert len(heard) == 1


def test_autoflush_and_savepoints_send(engine, heard):
    """Whoever flushes."""
    heard.listen(post_save)
    with SignalSession(engine) as session:
        session.add(Tag(name="1"))
        assert count(session, Tag) == 1
        session.add(Tag(name="2"))
        with session.begin_nested():
            session.add(Tag(name="3"))
        assert [named["instance"].name for named in heard.take()] == ["1", "2", "3"]


def test_a_flush_that_fails_owes_nothing(engine, heard):
    """The next one tells of itself only."""
    with SignalSession(engine) as session:
        session.add(Tag(id=1, name="1"))
        session.commit()
        session.expunge_all()
        heard.listen(post_save)
        session.add(Tag(id=1, name="2"))
        with pytest.raises(Exception, match="UNIQUE"):
            session.flush()
        session.rollback()
        session.add(Tag(name="3"))
        session.commit()
        assert [named["instance"].name for named in heard.take()] == ["3"]


def test_flushes_in_receivers_come_in_turn(engine):
    """A nested flush tells of its own, before the outer one goes on."""
    told = []

    @receiver(post_save)
    def note(instance, **kwargs):
        told.append(instance.name)
        if instance.name == "1":
            session.add(Tag(name="1.1"))
            session.flush()

    with SignalSession(engine) as session:
        session.add_all([Tag(name="1"), Tag(name="2")])
        session.commit()
    assert told == ["1", "1.1", "2"]
