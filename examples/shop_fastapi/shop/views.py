"""The views. They save and delete; receivers do everything that follows from it."""

from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from fastapi import APIRouter, HTTPException, Request
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shop import schemas
from shop.models import AuditEntry, Extra, ExtraTally, Flight, Order, Receipt, Stock
from shop.search import found
from shop.traffic import seen

router = APIRouter()

M = TypeVar("M")


# Not a dependency that yields, because it might commit after the response was sent.


def writing(request: Request) -> AbstractAsyncContextManager[AsyncSession]:
    """Commit the writes of the block, with the name of the request."""
    block: AbstractAsyncContextManager[AsyncSession]
    block = request.app.state.database.writing(request.state.request)
    return block


def reading(request: Request) -> AsyncSession:
    """Open a session for reading."""
    session: AsyncSession = request.app.state.database.readers()
    return session


async def get(session: AsyncSession, kind: type[M], key: object, lock: Any = None) -> M:
    """Return an instance, optionally locked until the end of the transaction."""
    instance = await session.get(kind, key, with_for_update=lock)
    if instance is None:
        raise HTTPException(404, f"{kind.__name__} {key} does not exist.")
    return instance


@router.post("/flights", status_code=201, response_model=schemas.FlightOut)
async def sell(request: Request, flight: schemas.NewFlight) -> Flight:
    """Put a flight on sale."""
    async with writing(request) as session:
        made = Flight(**flight.model_dump())
        session.add(made)
    return made


@router.get("/flights", response_model=list[schemas.FlightOut])
async def search(request: Request, q: str = "") -> list[Flight]:
    """Find flights."""
    async with reading(request) as session:
        return [*await session.scalars(found(q))]


@router.get("/flights/{number}")
async def show_flight(request: Request, number: str) -> schemas.FlightLeft:
    """Return a flight and the number of its free seats."""
    async with reading(request) as session:
        flight = await get(session, Flight, number)
        stock = await get(session, Stock, number)
        out = schemas.FlightOut.model_validate(flight)
        return schemas.FlightLeft(**out.model_dump(), left=stock.left)


@router.put("/flights/{number}/route", response_model=schemas.FlightOut)
async def rename(request: Request, number: str, route: schemas.Route) -> Flight:
    """Rename the airports of a flight."""
    async with writing(request) as session:
        flight = await get(session, Flight, number, lock=True)
        flight.origin, flight.destination = route.origin, route.destination
    return flight


@router.delete("/flights/{number}", status_code=204)
async def call_off(request: Request, number: str) -> None:
    """Cancel a flight and all its orders."""
    async with writing(request) as session:
        flight = await get(session, Flight, number, lock=True)
        # Without these locks, this request and a change of an order could deadlock.
        await session.scalars(select(Order).filter_by(flight_number=number).with_for_update())
        await session.delete(flight)


@router.post("/orders", status_code=201, response_model=schemas.OrderOut)
async def order(request: Request, wanted: schemas.NewOrder) -> Order:
    """Order seats on a flight."""
    async with writing(request) as session:
        # This lock waits for the cancellation of the flight, but not for other orders.
        lock = {"read": True, "key_share": True}
        flight = await get(session, Flight, wanted.flight, lock=lock)
        extras = [await get(session, Extra, code) for code in wanted.extras]
        made = Order(customer=wanted.customer, flight=flight, seats=wanted.seats, extras=extras)
        session.add(made)
    return made


@router.get("/orders/{key}", response_model=schemas.OrderOut)
async def show_order(request: Request, key: int) -> Order:
    """Return an order."""
    async with reading(request) as session:
        return await get(session, Order, key)


@router.patch("/orders/{key}", response_model=schemas.OrderOut)
async def change(request: Request, key: int, wanted: schemas.Change) -> Order:
    """Change the number of seats of an order."""
    async with writing(request) as session:
        changed = await get(session, Order, key, lock=True)
        changed.seats = wanted.seats
    return changed


@router.delete("/orders/{key}", status_code=204)
async def cancel(request: Request, key: int) -> None:
    """Cancel an order."""
    async with writing(request) as session:
        await session.delete(await get(session, Order, key, lock=True))


@router.get("/audit", response_model=list[schemas.AuditOut])
async def audit(request: Request, subject: str) -> list[AuditEntry]:
    """Return the audit trail of a subject, the oldest entry first."""
    trail = select(AuditEntry).filter_by(subject=subject).order_by(AuditEntry.id)
    async with reading(request) as session:
        return [*await session.scalars(trail)]


@router.get("/receipts")
async def receipts(request: Request) -> dict[str, int]:
    """Return how many receipts were written, by Celery and by the embedded worker."""
    counted = select(Receipt.by, func.count().label("written")).group_by(Receipt.by)
    async with reading(request) as session:
        found: list[Any] = [*await session.execute(counted)]
    return {row.by: row.written for row in found}


@router.get("/extras")
async def extras(request: Request) -> dict[str, int]:
    """Return the number of orders with each extra."""
    async with reading(request) as session:
        return {each.code: each.orders for each in await session.scalars(select(ExtraTally))}


@router.get("/traffic")
async def traffic() -> dict[str, int]:
    """Return the numbers of requests that have started, finished and failed."""
    return dict(seen)
