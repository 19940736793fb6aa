"""Classes with every kind of primary key and of inheritance."""

import datetime as dt
import enum
from decimal import Decimal
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Numeric, String
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import DeclarativeBase, Mapped, deferred, mapped_column


class Base(DeclarativeBase):
    """The base of these classes."""


class Size(enum.Enum):
    """A value that is no text."""

    SMALL = 1
    BIG = 2


class Stay(Base):
    """A composite key with a UUID, a date, a decimal and a member of an enumeration."""

    __tablename__ = "stay"

    guest: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    rate: Mapped[Decimal] = mapped_column(Numeric(9, 2), primary_key=True)
    size: Mapped[Size] = mapped_column(primary_key=True)
    note: Mapped[str | None] = mapped_column(String(50))


class Thing(Base):
    """Values of many types, one of them loaded on request."""

    __tablename__ = "thing"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime]
    span: Mapped[dt.timedelta | None]
    data: Mapped[bytes]
    price: Mapped[Decimal] = mapped_column(Numeric(9, 2))
    size: Mapped[Size]
    extra: Mapped[dict[str, object]] = mapped_column(MutableDict.as_mutable(JSON))
    long: Mapped[str] = deferred(mapped_column(String(50)))


class Beast(Base):
    """The base of both kinds of inheritance."""

    __tablename__ = "beast"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "beast"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(20))


class Hound(Beast):
    """Joined-table inheritance."""

    __tablename__ = "hound"
    __mapper_args__ = {"polymorphic_identity": "hound"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(ForeignKey("beast.id"), primary_key=True)
    breed: Mapped[str] = mapped_column(String(20))


class Kitten(Beast):
    """Single-table inheritance."""

    __mapper_args__ = {"polymorphic_identity": "kitten"}  # noqa: RUF012
