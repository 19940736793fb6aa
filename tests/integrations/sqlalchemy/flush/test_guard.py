"""Receivers cannot end the transaction of the flush that calls them."""

import asyncio

import pytest
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import async_object_session
from sqlalchemy.orm import Session, object_session

from clarion import receiver
from clarion.integrations.sqlalchemy import (
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from tests.integrations.sqlalchemy.shop import Author, Book, Order, Tag, count
from tests.integrations.sqlalchemy.test_send import run

SIGNALS = [pre_save, post_save, pre_delete, post_delete, m2m_changed]


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name.rpartition(".")[2])
def test_the_transaction_cannot_be_ended(engine, kind, signal, end):
    """Ending the transaction in a flush is refused, and nothing is committed or lost."""
    with kind(engine) as session:
        book = Book(title="b")
        session.add(book)
        session.commit()

        @receiver(signal)
        def stop(instance, **kwargs):
            getattr(session, end)()

        session.add(Tag(name="before"))
        if signal in {pre_delete, post_delete}:
            session.delete(book)
        else:
            session.add(Book(title="c", authors=[Author(name="a")]))
        with pytest.raises(InvalidRequestError, match="can't be called here"):
            session.flush()
        session.rollback()
        with Session(engine) as other:
            assert (count(other, Tag), count(other, Author), count(other, Book)) == (0, 0, 1)


def test_a_receiver_that_catches_the_refusal(engine, kind):
    """If a receiver catches the refusal, the flush goes on, and the program ends the transaction."""

    @receiver([pre_save, post_save], sender=Order)
    def stop(instance, **kwargs):
        for end in ("commit", "rollback"):
            with pytest.raises(InvalidRequestError):
                getattr(object_session(instance), end)()

    with kind(engine) as session:
        session.add(Order(number="1"))
        session.flush()
        session.rollback()
        assert count(session, Order) == 0
        session.add(Order(number="1"))
        session.commit()
        assert count(session, Order) == 1


def test_savepoints_and_flushes_are_allowed(engine, kind):
    """Receivers after the flush may flush and set savepoints, which may be rolled back."""

    @receiver(post_save, sender=Order)
    def write(instance, **kwargs):
        mine = object_session(instance)
        assert mine is not None
        with mine.begin_nested():
            mine.add(Tag(name="kept"))
        savepoint = mine.begin_nested()
        mine.add(Tag(name="gone"))
        mine.flush()
        savepoint.rollback()

    with kind(engine) as session:
        with session.begin_nested():
            session.add(Order(number="1"))
        session.commit()
        assert [each.name for each in session.query(Tag)] == ["kept"]


def test_async_sessions(kind):
    """An awaited commit in a flush is refused, too."""

    @receiver(post_save, sender=Order)
    async def stop(instance, **kwargs):
        await asyncio.sleep(0)
        mine = async_object_session(instance)
        assert mine is not None
        await mine.commit()

    async def story(session):
        session.add(Order(number="1"))
        with pytest.raises(InvalidRequestError, match="can't be called here"):
            await session.flush()

    run(story, kind=kind)
