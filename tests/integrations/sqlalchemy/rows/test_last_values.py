"""The `changes` of deletions, and of saves that one call after the commit merges."""

import asyncio

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from clarion import Signal, on_commit, receiver
from clarion.integrations.sqlalchemy import post_delete, post_save, pre_delete, pre_save
from tests.integrations.sqlalchemy.kept_changes import keep_changes
from tests.integrations.sqlalchemy.shop import Animal, Base, Customer, Dog, Order

LAST = {
    "id": (1, None),
    "number": ("1", None),
    "amount": (1, None),
    "customer_id": (None, None),
    "note": (None, None),
}


@pytest.fixture
def order(session):
    """An order with a row."""
    order = Order(id=1, number="1", amount=1)
    session.add(order)
    session.commit()
    return order


def merged(*signals, by=lambda **kw: "all"):
    """Connect a receiver that is called once for each commit."""
    kept = []

    @receiver(signals, sender=Order, delivery=on_commit(coalesce=by))
    def keep(changes, **kwargs):
        kept.append(dict(changes))

    return kept


def queries(engine):
    """Return the statements that an engine executes from now on."""
    found: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: found.append(args[2]))
    return found


class TestDeletions:
    """Each column changes from its last value in the row to None."""

    @pytest.mark.parametrize("signal", [pre_delete, post_delete])
    @pytest.mark.parametrize("is_expired", [True, False])
    def test_last_values(self, session, order, signal, is_expired):
        """The last values are those of the row, loaded or read, and not what was assigned since."""
        kept = keep_changes(signal)
        if not is_expired:
            session.refresh(order)
        with session.no_autoflush:
            order.amount = 7
            session.delete(order)
        session.flush()
        assert kept.take() == LAST

    def test_both_signals_share_one_query(self, engine, session, order):
        """Both signals share one query, which is made only if a receiver requests `changes`."""
        session.refresh(order)
        session.expire(order, ["note"])
        before, after = keep_changes(pre_delete), keep_changes(post_delete)
        statements = queries(engine)
        session.delete(order)
        statements.clear()
        session.flush()
        assert before.take() == after.take()
        assert sum(each.startswith("SELECT") and "note" in each for each in statements) <= 1

    def test_nothing_is_read_without_a_request(self, engine, session, order):
        """Receivers that do not request changes cost no query."""
        received = []
        post_delete.connect(lambda **kwargs: received.append({*kwargs}), sender=Order, weak=False)
        session.refresh(order)
        session.expire(order, ["note"])
        session.delete(order)
        statements = queries(engine)
        session.flush()
        assert received == [{"sender", "instance", "using", "origin"}]
        assert not [each for each in statements if each.startswith("SELECT orders.note")]

    def test_after_the_commit(self, session, order):
        """After the commit the last values are those of the send."""
        kept = keep_changes(post_delete, delivery=on_commit)
        session.delete(order)
        session.flush()
        assert kept == []
        session.commit()
        assert kept.take()["number"] == ("1", None)

    def test_cascade_and_inheritance(self, session):
        """Each object that a cascade deletes has its last values, of all tables of its class."""
        session.add_all(
            [Customer(name="c", orders=[Order(number="1")]), Dog(name="d", breed="pug")]
        )
        session.commit()
        orders, dogs = keep_changes(post_delete), keep_changes(post_delete, Dog)
        session.delete(session.scalars(select(Customer)).one())
        session.delete(session.scalars(select(Animal)).one())
        session.flush()
        assert orders.take()["number"] == ("1", None)
        found = dogs.take()
        assert (found["name"], found["breed"]) == (("d", None), ("pug", None))

    def test_object_that_a_receiver_adds_again(self, session, order):
        """An object that a receiver adds again is saved, with the changes of the save."""
        kept, before = keep_changes(pre_delete), keep_changes(pre_save)

        @receiver(pre_delete, sender=Order)
        def keep(instance, **kwargs):
            session.add(instance)
            instance.amount = 2

        session.delete(order)
        session.flush()
        assert kept.take()["amount"] == (1, None)
        assert before.take() == {"amount": (1, 2)}

    def test_sent_by_hand(self, session, order):
        """A send by hand has the values of the row, or none if the object is not mapped."""
        kept = keep_changes(pre_delete)
        order.amount = 5
        with session.no_autoflush:
            Signal.send(pre_delete, Order, instance=order, using="default", origin=order)
            assert kept.take()["amount"] == (1, None)
        Signal.send(pre_delete, Order, instance=object(), using="default", origin=None)
        assert kept.take() == {}

    def test_async(self):
        """An AsyncSession reads the last values in the flush."""
        kept = []

        @receiver([pre_delete, post_delete], sender=Order)
        async def keep(changes, **kwargs):
            kept.append(changes["number"])

        async def main():
            engine = create_async_engine("sqlite+aiosqlite://")
            async with engine.begin() as connection:
                await connection.run_sync(Base.metadata.create_all)
            async with AsyncSession(engine) as session:
                session.add(Order(id=1, number="1"))
                await session.commit()
                await session.delete(await session.get_one(Order, 1))
                await session.commit()
            await engine.dispose()

        asyncio.run(main())
        assert kept == [("1", None)] * 2


class TestMergedSaves:
    """A receiver with `coalesce` gets the changes from before the first save to the last."""

    def test_two_fields_in_two_saves(self, session, order):
        """Two saves are merged: a field of both has its first old and its last new value."""
        kept = merged(post_save)
        order.amount, order.note = 2, "n"
        session.flush()
        order.amount, order.number = 3, "2"
        session.commit()
        assert kept == [{"amount": (1, 3), "note": (None, "n"), "number": ("1", "2")}]

    def test_field_that_returns_to_its_first_value(self, session, order):
        """A field that returns to its first value is left out."""
        kept = merged(post_save)
        for amount in (2, 1):
            order.amount = amount
            session.flush()
        session.commit()
        assert kept == [{}]

    @pytest.mark.parametrize("signal", [pre_save, post_save])
    def test_created_then_updated(self, session, signal):
        """The old values of a row that is created and updated are None."""
        kept = merged(signal)
        order = Order(number="1")
        session.add(order)
        session.flush()
        order.number = "2"
        session.commit()
        assert [each["number"] for each in kept] == [(None, "2")]

    def test_saved_then_deleted(self, session, order):
        """A delivery of both signals gets the first old value and None."""
        kept = merged(post_save, post_delete)
        order.amount = 2
        session.flush()
        session.delete(order)
        session.commit()
        assert [(each["amount"], each["number"]) for each in kept] == [((1, None), ("1", None))]

    def test_several_rows(self, session, order):
        """Only the changes of the row of the last send are merged."""
        kept = merged(post_save)
        other = Order(number="x")
        session.add(other)
        session.flush()
        for each, number in ((order, "2"), (other, "y"), (order, "3")):
            each.number = number
            session.flush()
        session.commit()
        assert kept == [{"number": ("1", "3")}]

    def test_each_send_has_its_own(self, session, order):
        """`sends` has the changes of each save; the receiver's session has no influence."""
        seen = []

        @receiver(post_save, sender=Order, delivery=on_commit(coalesce=lambda **kw: 1))
        def keep(changes, sends, session, **kwargs):
            seen.append(changes["amount"])
            seen.extend(each["changes"]["amount"] for each in sends)

        for amount in (2, 3):
            order.amount = amount
            session.flush()
        session.commit()
        assert seen == [(1, 3), (1, 2), (2, 3)]

    def test_rolled_back_savepoint(self, session, order):
        """Changes of a savepoint that is rolled back are not merged."""
        kept = merged(post_save)
        order.amount = 2
        session.flush()
        nested = session.begin_nested()
        order.note = "n"
        session.flush()
        nested.rollback()
        session.commit()
        assert kept == [{"amount": (1, 2)}]

    def test_async(self):
        """Saves are merged after the commit of an AsyncSession, too."""
        kept = []

        @receiver(post_save, sender=Order, delivery=on_commit(coalesce=lambda **kw: 1))
        async def keep(changes, **kwargs):
            kept.append(dict(changes))

        async def main():
            engine = create_async_engine("sqlite+aiosqlite://")
            async with engine.begin() as connection:
                await connection.run_sync(Base.metadata.create_all)
            async with AsyncSession(engine) as session:
                order = Order(id=1, number="1", amount=1)
                session.add(order)
                await session.flush()
                order.amount = 2
                await session.commit()
            await engine.dispose()

        asyncio.run(main())
        assert kept == [{"id": (None, 1), "number": (None, "1"), "amount": (None, 2)}]
