"""Check the books that the receivers kept, by computing them from the answers.

The expected contents of a book are computed in Python from the answers to the clients. The
actual contents are read from the database.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, func, select

from shop.customers import Diary
from shop.database import EXTRAS, Database
from shop.models import AuditEntry, ExtraTally, Order, Receipt, SearchEntry, Stock
from shop.search import fold


@dataclass(frozen=True)
class Book:
    """The expected and the actual contents of a book."""

    name: str
    expected: Mapping[Any, Any]
    kept: Mapping[Any, Any]

    @property
    def wrong(self) -> list[Any]:
        """The keys that are missing, unexpected, or have a wrong value."""
        keys = self.expected.keys() | self.kept.keys()
        return sorted(key for key in keys if self.expected.get(key) != self.kept.get(key))


ORDERS = select(Order.id, Order.customer, Order.flight_number, Order.seats, Order.total)
STOCK = select(Stock.number, Stock.left)
EXTRA_TALLIES = select(ExtraTally.code, ExtraTally.orders)
RECEIPTS = select(Receipt.order_id, Receipt.text)
SEARCH = select(SearchEntry.number, SearchEntry.text)
_ENTRY = (AuditEntry.request, AuditEntry.action, AuditEntry.subject)
AUDIT = select(func.min(AuditEntry.id), *_ENTRY, func.count()).group_by(*_ENTRY)


async def books(database: Database, diary: Diary, seen: Counter[str]) -> list[Book]:
    """Return every book, from the answers and the server's count of requests."""
    sent = diary.answers.total()
    audit = {tuple(entry): times for _, *entry, times in (await _rows(database, AUDIT))}
    return [
        Book("orders", _orders(diary), await _read(database, ORDERS)),
        Book("stock of each flight", _stock(diary), await _read(database, STOCK)),
        Book("tally of each extra", _extras(diary), await _read(database, EXTRA_TALLIES)),
        Book("receipts", diary.receipts, await _read(database, RECEIPTS)),
        Book("search index", _texts(diary), await _read(database, SEARCH)),
        Book("audit trail", diary.audit, audit),
        Book("requests", {"started": sent, "finished": sent}, seen),
    ]


async def _rows(database: Database, query: Executable) -> list[tuple[Any, ...]]:
    async with database.readers() as session:
        return [tuple(row) for row in await session.execute(query)]


async def _read(database: Database, query: Executable) -> dict[Any, Any]:
    rows = await _rows(database, query)
    return {key: rest[0] if len(rest) == 1 else tuple(rest) for key, *rest in rows}


def _orders(diary: Diary) -> dict[int, tuple[Any, ...]]:
    fares = {number: flight["fare"] for number, flight in diary.flights.items()}
    return {
        key: (
            each["customer"],
            each["flight"],
            each["seats"],
            each["seats"] * fares[each["flight"]],
        )
        for key, each in diary.orders.items()
    }


def _stock(diary: Diary) -> Counter[str]:
    left = Counter({number: flight["seats"] for number, flight in diary.flights.items()})
    for each in diary.orders.values():
        left[each["flight"]] -= each["seats"]
    return left


def _extras(diary: Diary) -> Counter[str]:
    tally = Counter(dict.fromkeys(EXTRAS, 0))
    for each in diary.orders.values():
        tally.update(each["extras"])
    return tally


def _texts(diary: Diary) -> dict[str, str]:
    return {
        number: fold(f"{number} {flight['origin']} {flight['destination']}")
        for number, flight in diary.flights.items()
    }
