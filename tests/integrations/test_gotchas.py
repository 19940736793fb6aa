"""Known faults of receivers that a program runs after the commit by itself.

Each test runs a program twice: with the framework's own hooks, where the fault shows, and with
`delivery=on_commit`.
"""

import gc
import warnings

import pytest
from django.db import transaction
from django.db.models.signals import post_save as django_post_save
from sqlalchemy import ForeignKey, create_engine, event, func, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from clarion import on_commit
from clarion.integrations.sqlalchemy import post_save
from tests.integrations.django.library.models import Author
from tests.savepoints import begin_before_savepoints


class Base(DeclarativeBase):
    """The base of both models."""


class Sale(Base):
    """A sale, for which a mail is written."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]


class Mail(Base):
    """A row that is written after the commit."""

    __tablename__ = "mail"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))


@pytest.fixture
def engine():
    """Return a database in memory that begins a transaction before a savepoint."""
    made = create_engine("sqlite://")
    begin_before_savepoints(made)
    Base.metadata.create_all(made)
    yield made
    made.dispose()


def after_commit(session, receiver):
    """Run a receiver after the commit with SQLAlchemy alone."""
    event.listen(session, "after_commit", lambda session: receiver())


def clarion(receiver):
    """Run a receiver after the commit with Clarion."""
    post_save.connect(receiver, sender=Sale, delivery=on_commit)


# --- 1. A receiver fails after the data is saved --------------------------------------------


def test_a_failure_in_a_session(engine):
    """A receiver's error does not leave the commit of a session, and the next receiver runs."""
    ran = []

    def fail(**kwargs):
        raise ValueError("no paper")

    def next_one(**kwargs):
        ran.append("next")

    with Session(engine) as session:
        session.add(Sale(number="1"))
        after_commit(session, fail)
        after_commit(session, next_one)
        with pytest.raises(ValueError, match="no paper"):
            session.commit()
    assert ran == []

    clarion(fail)
    clarion(next_one)
    with Session(engine) as session:
        session.add(Sale(number="2"))
        session.commit()
        assert session.scalar(select(func.count()).select_from(Sale)) == 2
    assert ran == ["next"]


@pytest.mark.django_db(transaction=True)
def test_a_failure_in_django():
    """A receiver that fails does not stop the next one."""
    ran = []

    def fail(**kwargs):
        raise ValueError("no paper")

    def next_one(**kwargs):
        ran.append("next")

    def save():
        with transaction.atomic():
            Author.objects.create(name="a")
            if not is_clarion:
                transaction.on_commit(fail)
                transaction.on_commit(next_one)

    is_clarion = False
    with pytest.raises(ValueError, match="no paper"):
        save()
    assert ran == []

    is_clarion = True
    for each in (fail, next_one):
        django_post_save.connect(each, sender=Author, delivery=on_commit)
    save()
    assert ran == ["next"]


# --- 2. An instance has expired after the commit ---------------------------------------------


def test_an_instance_after_the_commit(engine):
    """After the commit a receiver reads the instance's attributes, and can make a query."""
    seen = []

    with Session(engine) as session:
        order = Sale(number="1")
        session.add(order)
        count = select(func.count()).select_from(Sale)
        after_commit(session, lambda: seen.append((order.number, session.scalar(count))))
        with pytest.raises(InvalidRequestError):
            session.commit()
    assert seen == []

    def look(instance, session, **kwargs):
        seen.append((instance.number, session.scalar(count)))

    clarion(look)
    with Session(engine) as session, session.begin():
        session.add(Sale(number="2"))
    assert seen == [("2", 2)]


# --- 3. Writes after the commit are lost ------------------------------------------------------


def test_writes_after_the_commit(engine):
    """The session of a receiver commits its writes."""

    def mails():
        with Session(engine) as session:
            return session.scalar(select(func.count()).select_from(Mail))

    with Session(engine) as session:

        @event.listens_for(session, "after_transaction_end")
        def write(session, ended):
            if ended.parent is None and not session.new:
                session.add(Mail(order_id=order.id))

        order = Sale(number="1")
        session.add(order)
        session.commit()
    assert mails() == 0

    def mail(instance, session, **kwargs):
        session.add(Mail(order_id=instance.id))

    clarion(mail)
    with Session(engine) as session:
        session.add(Sale(number="2"))
        session.commit()
    assert mails() == 1


# --- 4. The release of a savepoint is taken for a commit ---------------------------------------


def test_a_savepoint_that_is_released(engine):
    """No receiver runs, because the transaction around the savepoint is rolled back."""
    mailed = []

    def program(listen):
        with Session(engine) as session:
            listen(session)
            with session.begin_nested():
                session.add(Sale(number="1"))
            session.rollback()

    program(lambda session: after_commit(session, lambda: mailed.append("a mail")))
    assert mailed == ["a mail"]

    mailed.clear()
    clarion(lambda **kwargs: mailed.append("a mail"))
    program(lambda session: None)
    assert mailed == []


# --- 5. A coroutine that is never awaited -------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_an_async_receiver():
    """An async receiver is awaited, whereas Django does not run an async callback."""
    ran = []

    async def hook():
        ran.append("hook")

    with pytest.warns(RuntimeWarning, match="never awaited"):
        with transaction.atomic():
            transaction.on_commit(hook)
        gc.collect()
    assert ran == []

    async def receive(instance, **kwargs):
        ran.append(instance.name)

    django_post_save.connect(receive, sender=Author, delivery=on_commit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with transaction.atomic():
            Author.objects.create(name="a")
            assert ran == []
        gc.collect()
    assert ran == ["a"]
