"""What happens when something is saved or deleted. No view calls these functions: they listen.

They use the session that saves, and hence write in its transaction: an order and what the
books say of it are committed together, or neither is. A session of their own would also want
a second connection of the pool, while the first one waits for them.

Rows that many requests want are always locked in the same order, first a flight's stock,
then the tallies of extras by their codes, so that no two requests wait for each other.
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


class SoldOut(Exception):  # noqa: N818 - it is no error
    """There are not as many seats left."""


def session_of(instance: object) -> AsyncSession:
    """Return the session that an instance is saved or deleted by."""
    session = async_object_session(instance)
    if session is None:
        raise RuntimeError(f"{instance!r} is in no async session. Add it to one.")
    return session


# The price.


@receiver(pre_save, sender=Order)
def reckon(instance: Order, **kwargs: Any) -> None:
    """Work out the price. A sync receiver may lazy load the flight."""
    instance.total = instance.seats * instance.flight.fare


# The stock, moved before the order is written: what is sold out is refused.


@receiver(post_save, sender=Flight)
async def open_stock(instance: Flight, created: bool, **kwargs: Any) -> None:
    """Put all seats of a new flight on sale."""
    if created:
        session_of(instance).add(Stock(number=instance.number, left=instance.seats))


@receiver(pre_save, sender=Order)
async def take_seats(instance: Order, **kwargs: Any) -> None:
    """Take the seats that an order has now, less those it had before."""
    seats = inspect(instance).attrs.seats.history
    if more := sum(seats.added or ()) - sum(seats.deleted or ()):
        await take(session_of(instance), instance.flight.number, more)


@receiver(pre_delete, sender=Order, priority=10)
async def give_seats_back(instance: Order, **kwargs: Any) -> None:
    """Put the seats of a cancelled order on sale again."""
    await take(session_of(instance), instance.flight_number, -instance.seats)


@receiver(post_delete, sender=Flight)
async def close_stock(instance: Flight, **kwargs: Any) -> None:
    """Sell no seats of a flight that is gone."""
    await session_of(instance).execute(delete(Stock).where(Stock.number == instance.number))


async def take(session: AsyncSession, number: str, seats: int) -> None:
    """Change a flight's stock, in the database and not in memory, so that no seat is lost."""
    stock = update(Stock).where(Stock.number == number, Stock.left >= seats)
    done: Any = await session.execute(
        stock.values(left=Stock.left - seats), execution_options={"synchronize_session": False}
    )
    if done.rowcount != 1:
        raise SoldOut(f"{number} has no {seats} seats left.")


# The tallies of the extras.


@receiver(m2m_changed, sender=Order.extras)
async def count_extras(instance: Order, action: str, pk_set: set[str], **kwargs: Any) -> None:
    """Count an order on for the extras it gets, and off for those it loses."""
    change = {"post_add": +1, "post_remove": -1}.get(action, 0)
    if change:
        await count(session_of(instance), pk_set, change)


@receiver(pre_delete, sender=Order)
async def count_off_extras(instance: Order, **kwargs: Any) -> None:
    """Count a cancelled order off. An async receiver cannot lazy load, it awaits."""
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
    """Let the flight be found by what its airports are called now."""
    session, text = session_of(instance), text_of(instance)
    if created:
        session.add(SearchEntry(number=instance.number, text=text))
    else:
        entry = update(SearchEntry).where(SearchEntry.number == instance.number)
        await session.execute(entry.values(text=text))


@receiver(post_delete, sender=Flight)
async def unindex(instance: Flight, **kwargs: Any) -> None:
    """Let the flight be found no more."""
    entry = delete(SearchEntry).where(SearchEntry.number == instance.number)
    await session_of(instance).execute(entry)


# The audit trail.


@receiver(post_save, sender=Flight)
@receiver(post_save, sender=Order)
def note_save(instance: Flight | Order, created: bool, **kwargs: Any) -> None:
    """Note which request has created or changed something."""
    note("created" if created else "changed", instance)


@receiver(post_delete, sender=Flight)
@receiver(post_delete, sender=Order)
def note_delete(instance: Flight | Order, origin: object, **kwargs: Any) -> None:
    """Note which request has deleted something, and if it was because of something else."""
    note("deleted" if origin is instance else f"deleted with {name_of(origin)}", instance)


def note(action: str, instance: Flight | Order) -> None:
    """Add to the audit trail, in the name of the request that the session works for."""
    session = object_session(instance)
    if session is not None:
        request = session.info.get("request", "nobody")
        session.add(AuditEntry(request=request, action=action, subject=name_of(instance)))


def name_of(instance: object) -> str:
    """Return what the audit trail calls an instance."""
    return f"{type(instance).__name__} {inspect(instance, raiseerr=True).identity[0]}"
