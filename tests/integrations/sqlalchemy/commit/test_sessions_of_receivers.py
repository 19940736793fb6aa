"""The transaction of the session that a receiver requests."""

import asyncio

import pytest
from sqlalchemy import create_engine, insert, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool

from clarion import on_commit, receiver
from clarion.integrations.sqlalchemy import post_save
from tests.integrations.sqlalchemy.shop import Base, Order, Tag


def names(session):
    return session.scalars(select(Tag.name).order_by(Tag.name)).all()


@pytest.mark.parametrize("autobegin", [True, False])
def test_a_receiver_that_commits_goes_on(engine, kind, autobegin):
    """Writes of a receiver after its own commit are committed when it returns."""

    @receiver(post_save, sender=Order, delivery=on_commit)
    def write(session, **kwargs):
        session.add(Tag(name="1"))
        session.commit()
        if autobegin:
            session.add(Tag(name="2"))

    with kind(engine, autobegin=autobegin) as session, session.begin():
        session.add(Order(number="1"))
    with Session(engine) as session:
        assert names(session) == (["1", "2"] if autobegin else ["1"])


def test_a_receiver_that_rolls_back_goes_on(engine, kind):
    """Only the writes of a receiver after its own rollback are committed."""

    @receiver(post_save, sender=Order, delivery=on_commit)
    def write(session, **kwargs):
        session.add(Tag(name="1"))
        session.flush()
        session.rollback()
        session.add(Tag(name="2"))
        session.begin_nested()
        session.add(Tag(name="3"))

    with kind(engine) as session:
        session.add(Order(number="1"))
        session.commit()
        assert names(session) == ["2", "3"]


def test_a_receiver_that_fails_after_its_commit(engine, kind, caplog):
    """If a receiver fails after its own commit, only the open transaction is rolled back."""

    @receiver(post_save, sender=Order, delivery=on_commit)
    def write(session, **kwargs):
        session.add(Tag(name="1"))
        session.commit()
        session.add(Tag(name="2"))
        session.flush()
        raise ValueError

    with kind(engine) as session:
        session.add(Order(number="1"))
        session.commit()
        assert names(session) == ["1"]
    assert "failed after the commit" in caplog.text


def test_an_async_receiver_that_commits_goes_on(caplog):
    """An async receiver that commits its session can continue."""

    @receiver(post_save, sender=Order, delivery=on_commit)
    async def write(session, instance, **kwargs):
        number = instance.number
        session.add(Tag(name=f"{number}1"))
        await session.commit()
        session.add(Tag(name=f"{number}2"))
        if number == "b":
            raise ValueError

    async def main():
        engine = create_async_engine("sqlite+aiosqlite://")
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(engine) as session:
            for number in ("a", "b"):
                session.add(Order(number=number))
                await session.commit()
            assert await session.run_sync(names) == ["a1", "a2", "b1"]
        await engine.dispose()

    asyncio.run(main())
    assert "failed after the commit" in caplog.text


def test_a_receiver_works_in_the_schema_of_the_transaction():
    """A receiver's copies are read, and its session writes, in the schema of the transaction."""
    engine = create_engine("sqlite://", poolclass=StaticPool)

    class Own(DeclarativeBase):
        pass

    class Row(Own):
        __tablename__ = "row"
        __table_args__ = {"schema": "tenant"}  # noqa: RUF012
        id: Mapped[int] = mapped_column(primary_key=True)
        amount: Mapped[int]

    with engine.connect() as connection:
        for schema in ("one", "two"):
            connection.exec_driver_sql(f"ATTACH ':memory:' AS {schema}")
            options = {"schema_translate_map": {"tenant": schema}}
            Own.metadata.create_all(connection.execution_options(**options))
            connection.execute(insert(Row).values(id=1, amount=1), execution_options=options)
        connection.commit()
    found = []

    @receiver(post_save, sender=Row, once=True, delivery=on_commit)
    def look(instance, session, **kwargs):
        found.append(instance.amount)
        instance.amount += 100

    with Session(engine) as session:
        session.connection(execution_options={"schema_translate_map": {"tenant": "two"}})
        session.get_one(Row, 1).amount = Row.amount + 1
        session.commit()
    assert found == [2]
    with engine.connect() as connection:
        for schema, amount in (("one", 1), ("two", 102)):
            options = {"schema_translate_map": {"tenant": schema}}
            assert connection.scalar(select(Row.amount), execution_options=options) == amount
    engine.dispose()
