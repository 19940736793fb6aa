"""Durable receivers in FastAPI: python examples/durable_fastapi.py.

The application saves an order, and a worker in its lifespan sends the mail. If the process is
killed in between, the next start sends it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from clarion import durable, receiver
from clarion.integrations.sqlalchemy import EngineDatabase, outbox_tables, post_save
from clarion.worker import Worker


class Base(DeclarativeBase):
    """The base of all models."""


class Order(Base):
    """What a customer has ordered."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str]


class Mail(Base):
    """A mail to a customer; here it is only stored."""

    __tablename__ = "mails"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


outbox_tables(Base.metadata)
engine = create_async_engine("sqlite+aiosqlite:///durable.db")
sessions = async_sessionmaker(engine, expire_on_commit=False)


@receiver(post_save, sender=Order, delivery=durable(name="mail", effects="same database"))
async def send_mail(instance: Order, session: AsyncSession, **kwargs: object) -> None:
    """Write the mail in the transaction that also ends the delivery."""
    session.add(Mail(text=f"You have ordered {instance.item}"))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Create the tables, and run a worker beside the application."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with Worker(EngineDatabase(sessions)):
        yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/orders/{item}")
async def place(item: str, *, fail: bool = False) -> int:
    """Save an order; with `fail`, roll it back."""
    async with sessions.begin() as session:
        order = Order(item=item)
        session.add(order)
        await session.flush()
        if fail:
            await session.rollback()
        return order.id


@app.get("/mails")
async def mails() -> list[str]:
    """Return what was sent."""
    async with sessions() as session:
        return [*await session.scalars(select(Mail.text).order_by(Mail.id))]


async def main() -> None:
    """Place an order, roll another one back, and wait for the mail."""
    transport = httpx.ASGITransport(app)
    async with (
        lifespan(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop") as shop,
    ):
        await shop.post("/orders/tea")
        await shop.post("/orders/piano?fail=true")
        while not (sent := (await shop.get("/mails")).json()):  # noqa: ASYNC110  # asks again
            await asyncio.sleep(0.05)
        print(sent)


if __name__ == "__main__":
    asyncio.run(main())
