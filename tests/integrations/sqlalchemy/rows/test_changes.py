"""Receivers that request `changes`, and the cost without them."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import event, inspect, update
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from clarion import Signal, receiver
from clarion.changes import Change
from clarion.errors import SignatureError
from clarion.integrations.sqlalchemy import (
    m2m_changed,
    post_save,
    pre_init,
    pre_save,
)
from clarion.integrations.sqlalchemy.flush import change_sets
from tests.integrations.sqlalchemy.kept_changes import keep_changes
from tests.integrations.sqlalchemy.shop import (
    Author,
    Base,
    Book,
    Customer,
    Dog,
    Order,
)


@pytest.fixture
def order(session):
    """A stored order, expired as after any commit."""
    order = Order(number="1", amount=1)
    session.add(order)
    session.commit()
    return order


@pytest.fixture
def statements(engine, session, order):
    """The statements executed after the order's attributes were expired."""
    session.refresh(order)
    session.expire(order, ["amount", "note"])
    found = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(connection, cursor, statement, *rest):
        found.append(statement.split()[0])

    return found


def test_update(session, order):
    """The changes of an update have each column that differs, with the old and the new value."""
    before, after = keep_changes(pre_save), keep_changes(post_save)
    session.refresh(order)
    order.amount, order.note, order.number = 2, "n", "1"
    session.commit()
    calls = {"amount": Change(1, 2), "note": Change(None, "n")}
    assert before.take() == after.take() == calls


def test_insert(session):
    """The changes of an insert have every column with a value; post_save adds those of the flush."""
    before, after = keep_changes(pre_save), keep_changes(post_save)
    session.add(Order(number="1", note=None))
    session.commit()
    assert before.take() == {"number": (None, "1")}
    assert after.take() == {"id": (None, 1), "number": (None, "1"), "amount": (None, 0)}


def test_keys_are_the_update_fields(session, order):
    """The names in `changes` are those of `update_fields` in every flush, for every kind of change."""
    calls = []

    @receiver([pre_save, post_save], sender=Order)
    def compare(changes, update_fields, **kwargs):
        calls.append(changes.keys() | changes.pending == update_fields)

    order.amount = 5
    session.commit()
    order.customer = Customer(name="c")
    session.commit()
    order.amount, order.note = Order.amount + 1, "n"
    session.commit()
    order.note = None
    session.commit()
    assert calls == [True] * 8


def test_old_value_that_was_not_loaded(session, order, statements):
    """Only an old value that was not loaded is read from the row, once; the instance does not change."""
    before, after = keep_changes(pre_save), keep_changes(post_save)
    session.expire(order, ["number"])
    order.amount, order.note = 2, "n"
    session.flush()
    calls = {"amount": Change(1, 2), "note": Change(None, "n")}
    assert before.take() == after.take() == calls
    assert statements == ["SELECT", "UPDATE"]
    assert "number" not in inspect(order).dict


def test_old_value_that_a_statement_has_written(session, order):
    """An expired value is read from the row."""
    after = keep_changes(post_save)
    session.execute(update(Order).values(amount=7).execution_options(synchronize_session=False))
    order.amount = 8
    session.flush()
    assert after.take() == {"amount": (7, 8)}


def test_without_a_request_there_is_no_cost(session, order, statements, monkeypatch):
    """Without a request no query and no change set is made, whatever another class requests."""
    made = []
    monkeypatch.setattr(change_sets, "ChangeSet", lambda *args: made.append(args))
    keep_changes([pre_save, post_save], Customer)
    recorded = []

    @receiver([pre_save, post_save], sender=Order)
    def listen(instance, **kwargs):
        recorded.append(kwargs.keys())

    order.amount = 2
    session.add(Order(number="2"))
    session.flush()
    assert statements == ["UPDATE", "INSERT"]
    assert len(recorded) == 4
    assert not any("changes" in keys for keys in recorded)
    assert not made


def test_expressions(session, order, statements):
    """Expressions are pending before the flush, and have their values after it."""
    before, after = keep_changes(pre_save), keep_changes(post_save)
    order.amount = Order.amount + 41
    session.flush()
    assert before[-1].pending == {"amount"}
    assert not before.take()
    assert not after[-1].pending
    assert after.take() == {"amount": (1, 42)}
    assert statements == ["SELECT", "UPDATE", "SELECT"]


def test_many_to_one_is_its_foreign_key(session, order):
    """A many-to-one is sent as its foreign key, unknown before the other object has a row."""
    before, after = keep_changes(pre_save), keep_changes(post_save)
    known = Customer(name="known")
    session.add(known)
    session.commit()
    order.customer = known
    session.flush()
    assert before.take() == after.take() == {"customer_id": (None, 1)}
    order.customer = Customer(name="new")
    session.flush()
    assert before[-1].pending == {"customer_id"}
    assert not before.take()
    assert after.take() == {"customer_id": (1, 2)}
    session.add(Order(number="2", customer=known))
    session.flush()
    assert before.take() == {"number": (None, "2"), "customer_id": (None, 1)}
    assert after.take()["customer_id"] == (None, 1)
    session.add(Order(number="3", customer=Customer(name="newer")))
    session.flush()
    assert before[-1].pending == {"customer_id"}
    assert after.take()["customer_id"] == (None, 3)


def test_other_relationships_are_no_changes(session):
    """A many-to-many change is not in `changes`, because m2m_changed sends it."""
    after = keep_changes(post_save, Book)
    book = Book(title="t", authors=[Author(name="a")])
    session.add(book)
    session.flush()
    assert after.take() == {"id": (None, 1), "title": (None, "t")}
    book.authors.append(Author(name="b"))
    book.title = "u"
    session.flush()
    assert after.take() == {"title": ("t", "u")}


def test_inheritance(session):
    """The changes have the columns of all tables of the class, with their old values."""
    after = keep_changes(post_save, Dog)
    dog = Dog(name="d", breed="b")
    session.add(dog)
    session.commit()
    calls = {"id": (None, 1), "kind": (None, "dog"), "name": (None, "d"), "breed": (None, "b")}
    assert after.take() == calls
    dog.name, dog.breed = "e", "c"
    session.commit()
    assert after.take() == {"name": ("d", "e"), "breed": ("b", "c")}


def test_primary_key(session, order):
    """A new primary key is a change like any other."""
    before, after = keep_changes(pre_save), keep_changes(post_save)
    order.id = 5
    order.amount = Order.amount + 1
    session.commit()
    assert before.take() == {"id": (1, 5)}
    assert after.take() == {"id": (1, 5), "amount": (1, 2)}


def test_a_row_that_replaces_another(session, order):
    """The changes of a row that replaces another are those of a new row."""
    after = keep_changes(post_save)
    with session.no_autoflush:
        session.delete(order)
        session.add(Order(id=1, number="2"))
    session.flush()
    assert after.take() == {"id": (None, 1), "number": (None, "2")}


def test_sent_by_hand(session, order):
    """A receiver of a send by hand gets the changes that the next flush would write."""
    before, after = keep_changes(pre_save), keep_changes(post_save)
    send: Any = Signal.send  # the type checkers reject a send by user code
    shared = {"instance": order, "raw": False, "using": "default", "update_fields": None}
    with session.no_autoflush:
        order.amount = 2
        send(pre_save, Order, **shared)
        assert before.take() == {"amount": (1, 2)}
    send(pre_save, Order, **(shared | {"instance": Order(number="2")}))
    assert before.take() == {"number": (None, "2")}
    send(post_save, Order, **(shared | {"instance": object(), "created": True}))
    assert after.take() == {}


@pytest.mark.parametrize("signal", [m2m_changed, pre_init])
def test_other_signals_provide_no_changes(signal):
    """A receiver that requests changes of another signal is refused at connect."""
    with pytest.raises(SignatureError, match="'changes'"):

        @receiver(signal)
        def ask_in_vain(changes, **kwargs):
            pass


def test_async(kind):
    """Async receivers get the changes, with old values and expressions read."""
    calls = []

    @receiver([pre_save, post_save], sender=Order)
    async def keep(changes, **kwargs):
        calls.append(dict(changes))

    async def main():
        engine = create_async_engine("sqlite+aiosqlite://")
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(engine, sync_session_class=kind) as session:
            order = Order(id=1, number="1", amount=1)
            session.add(order)
            await session.commit()
            order.amount, order.note = Order.amount + 1, "n"
            await session.commit()
        await engine.dispose()

    asyncio.run(main())
    assert calls[2:] == [{"note": (None, "n")}, {"amount": (1, 2), "note": (None, "n")}]
