"""SignalSession: an error in a post signal leaves the transaction open."""

import pytest
from sqlalchemy.orm import Session, sessionmaker

from clarion import receiver
from clarion.integrations.sqlalchemy import SignalSession, post_save
from tests.integrations.sqlalchemy.shop import Order, Tag, count


def test_error_in_post_save_leaves_the_transaction(engine):
    """After an error in post_save, the flushed rows of a SignalSession can be committed."""

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


def test_it_can_be_a_base_class(engine, recorded):
    """SignalSession works as the first base of a session class."""

    class Mine(Session):
        def flush(self, objects=None):
            self.info["flushed"] = True
            super().flush()

    class Both(SignalSession, Mine):
        pass

    recorded.listen(post_save)
    with Both(engine) as session:
        session.add(Tag(name="t"))
        session.commit()
        assert session.info["flushed"]
    assert len(recorded) == 1


def test_autoflush_and_savepoints_send(engine, recorded):
    """Autoflushes, and flushes in savepoints, send signals."""
    recorded.listen(post_save)
    with SignalSession(engine) as session:
        session.add(Tag(name="1"))
        assert count(session, Tag) == 1
        session.add(Tag(name="2"))
        with session.begin_nested():
            session.add(Tag(name="3"))
        assert [named["instance"].name for named in recorded.take()] == ["1", "2", "3"]


def test_a_failed_flush_sends_no_post_signals(engine, recorded):
    """After a failed flush, the next one sends its own post signals only."""
    with SignalSession(engine) as session:
        session.add(Tag(id=1, name="1"))
        session.commit()
        session.expunge_all()
        recorded.listen(post_save)
        session.add(Tag(id=1, name="2"))
        with pytest.raises(Exception, match="UNIQUE"):
            session.flush()
        session.rollback()
        session.add(Tag(name="3"))
        session.commit()
        assert [named["instance"].name for named in recorded.take()] == ["3"]


def test_flushes_in_receivers_come_in_turn(engine):
    """A nested flush sends its signals before the outer one continues."""
    calls = []

    @receiver(post_save)
    def note(instance, **kwargs):
        calls.append(instance.name)
        if instance.name == "1":
            session.add(Tag(name="1.1"))
            session.flush()

    with SignalSession(engine) as session:
        session.add_all([Tag(name="1"), Tag(name="2")])
        session.commit()
    assert calls == ["1", "1.1", "2"]
