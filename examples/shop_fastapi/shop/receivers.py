"""The receivers of saves and deletes. No view calls these functions: they are connected.

They use the session that saves, so they write in its transaction: an order and its entries in
the books are committed together or not at all. A separate session would also need a second
connection of the pool while the first one waits for it.

Rows that many requests change are always locked in the same order: first a flight's stock,
then the tallies of extras by their codes. So no two requests wait for each other.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, inspect, update
from sqlalchemy.ext.asyncio import AsyncSession, async_object_session
from sqlalchemy.orm import object_session

from clarion import receiver
from clarion.integrations.sqlalchemy import (
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from shop.models import AuditEntry, ExtraTally, Flight, Order, SearchEntry, Stock
from shop.search import text_of


class SoldOut(Exception):  # noqa: N818 - it is not an error
    """The flight has too few free seats."""


def session_of(instance: object) -> AsyncSession:
    """Return the session that saves or deletes an instance."""
    session = async_object_session(instance)
    if session is None:
        raise RuntimeError(f"{instance!r} has no async session. Add it to one.")
    return session


# The price.


@receiver(pre_save, sender=Order)
def reckon(instance: Order, **kwargs: Any) -> None:
    """Compute the price. A sync receiver may lazy load the flight."""
    instance.total = instance.seats * instance.flight.fare


# The stock changes before the order is written, so that a sold out flight refuses the order.


@receiver(post_save, sender=Flight)
async def open_stock(instance: Flight, created: bool, **kwargs: Any) -> None:
    """Put all seats of a new flight on sale."""
    if created:
        session_of(instance).add(Stock(number=instance.number, left=instance.seats))


@receiver(pre_save, sender=Order)
async def take_seats(instance: Order, **kwargs: Any) -> None:
    """Take the difference between the new and the old seats of an order."""
    seats = inspect(instance).attrs.seats.history
    if more := sum(seats.added or ()) - sum(seats.deleted or ()):
        await take(session_of(instance), instance.flight.number, more)


@receiver(pre_delete, sender=Order, priority=10)
async def give_seats_back(instance: Order, **kwargs: Any) -> None:
    """Put the seats of a cancelled order on sale again."""
    await take(session_of(instance), instance.flight_number, -instance.seats)


@receiver(post_delete, sender=Flight)
async def close_stock(instance: Flight, **kwargs: Any) -> None:
    """Delete the stock of a deleted flight."""
    await session_of(instance).execute(delete(Stock).where(Stock.number == instance.number))


async def take(session: AsyncSession, number: str, seats: int) -> None:
    """Change a flight's stock in the database, not in memory, so that no seat is lost."""
    stock = update(Stock).where(Stock.number == number, Stock.left >= seats)
    done: Any = await session.execute(
        stock.values(left=Stock.left - seats), execution_options={"synchronize_session": False}
    )
    if done.rowcount != 1:
        raise SoldOut(f"{number} has no {seats} seats left.")


# The tallies of the extras.


@receiver(m2m_changed, sender=Order.extras)
async def count_extras(instance: Order, action: str, pk_set: set[str], **kwargs: Any) -> None:
    """Add an order to the tallies of its new extras, and subtract it from removed ones."""
    change = {"post_add": +1, "post_remove": -1}.get(action, 0)
    if change:
        await count(session_of(instance), pk_set, change)


@receiver(pre_delete, sender=Order)
async def count_off_extras(instance: Order, **kwargs: Any) -> None:
    """Subtract a cancelled order. An async receiver awaits the extras; it cannot lazy load."""
    extras = await instance.awaitable_attrs.extras
    await count(session_of(instance), (extra.code for extra in extras), -1)


async def count(session: AsyncSession, codes: Iterable[str], change: int) -> None:
    """Change the tallies of some extras."""
    for code in sorted(codes):
        tally = update(ExtraTally).where(ExtraTally.code == code)
        await session.execute(
            tally.values(orders=ExtraTally.orders + change),
            execution_options={"synchronize_session": False},
        )


# The search index.


@receiver(post_save, sender=Flight)
async def index(instance: Flight, created: bool, **kwargs: Any) -> None:
    """Make the flight findable by the current names of its airports."""
    session, text = session_of(instance), text_of(instance)
    if created:
        session.add(SearchEntry(number=instance.number, text=text))
    else:
        entry = update(SearchEntry).where(SearchEntry.number == instance.number)
        await session.execute(entry.values(text=text))


@receiver(post_delete, sender=Flight)
async def unindex(instance: Flight, **kwargs: Any) -> None:
    """Remove the flight from the search."""
    entry = delete(SearchEntry).where(SearchEntry.number == instance.number)
    await session_of(instance).execute(entry)


# The audit trail.


@receiver(post_save, sender=Flight)
@receiver(post_save, sender=Order)
def note_save(instance: Flight | Order, created: bool, **kwargs: Any) -> None:
    """Record which request has created or changed an instance."""
    note("created" if created else "changed", instance)


@receiver(post_delete, sender=Flight)
@receiver(post_delete, sender=Order)
def note_delete(instance: Flight | Order, origin: object, **kwargs: Any) -> None:
    """Record which request has deleted an instance, and the origin of a cascade."""
    note("deleted" if origin is instance else f"deleted with {name_of(origin)}", instance)


def note(action: str, instance: Flight | Order) -> None:
    """Add to the audit trail, with the name of the session's request."""
    session = object_session(instance)
    if session is not None:
        request = session.info.get("request", "no request")
        session.add(AuditEntry(request=request, action=action, subject=name_of(instance)))


def name_of(instance: object) -> str:
    """Return the name of an instance in the audit trail."""
    return f"{type(instance).__name__} {inspect(instance, raiseerr=True).identity[0]}"
