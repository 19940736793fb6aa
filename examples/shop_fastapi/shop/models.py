"""Flights and orders, and the books about them that only receivers write: see receivers.py."""

from sqlalchemy import Column, ForeignKey, String, Table
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from clarion.integrations.sqlalchemy import outbox_tables


class Base(AsyncAttrs, DeclarativeBase):
    """The base of all models."""


# The tables of durable receivers: see receipts.py.
outbox_tables(Base.metadata)


order_extra = Table(
    "shop_order_extra",
    Base.metadata,
    Column("order_id", ForeignKey("shop_order.id"), primary_key=True),
    Column("extra_code", ForeignKey("shop_extra.code"), primary_key=True),
)


class Flight(Base):
    """A flight from one airport to another."""

    __tablename__ = "shop_flight"
    number: Mapped[str] = mapped_column(String(8), primary_key=True)
    origin: Mapped[str]
    destination: Mapped[str]
    seats: Mapped[int]
    fare: Mapped[int]  # in cents
    orders: Mapped[list["Order"]] = relationship(
        back_populates="flight", cascade="all, delete-orphan"
    )


class Extra(Base):
    """An option that is sold with a seat."""

    __tablename__ = "shop_extra"
    code: Mapped[str] = mapped_column(String(8), primary_key=True)
    name: Mapped[str]


class Order(Base):
    """A customer's seats on a flight."""

    __tablename__ = "shop_order"
    # Otherwise SQLite reuses the id of a deleted order, and the audit trail mixes the two.
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str]
    flight_number: Mapped[str] = mapped_column(ForeignKey(Flight.number), index=True)
    seats: Mapped[int]
    total: Mapped[int]  # in cents; a receiver computes it
    flight: Mapped[Flight] = relationship(back_populates="orders")
    extras: Mapped[list[Extra]] = relationship(secondary=order_extra)


class Stock(Base):
    """The number of free seats of a flight."""

    __tablename__ = "shop_stock"
    number: Mapped[str] = mapped_column(String(8), primary_key=True)
    left: Mapped[int]


class ExtraTally(Base):
    """The number of orders with an extra."""

    __tablename__ = "shop_extra_tally"
    code: Mapped[str] = mapped_column(String(8), primary_key=True)
    orders: Mapped[int]


class SearchEntry(Base):
    """The text by which a search finds a flight."""

    __tablename__ = "shop_search"
    number: Mapped[str] = mapped_column(String(8), primary_key=True)
    text: Mapped[str]


class AuditEntry(Base):
    """An action of a request."""

    __tablename__ = "shop_audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    request: Mapped[str] = mapped_column(index=True)
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)


class Receipt(Base):
    """What a customer gets for an order. It stays if the order is cancelled."""

    __tablename__ = "shop_receipt"
    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    by: Mapped[str]
