"""The airline and its customers: they send requests, and record the answers in a diary."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

import httpx

from shop.database import EXTRAS
from shop.schemas import NewFlight

REFUSED = 409
STEPS = 4  # requests of each customer
PATIENCE, PAUSE = 30.0, 0.1  # seconds, for the receipts


@dataclass
class Diary:
    """The answers, from which the expected books are computed."""

    flights: dict[str, dict[str, Any]] = field(default_factory=dict)
    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    receipts: dict[int, str] = field(default_factory=dict)
    audit: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)


class Client:
    """Sends requests with names.

    Args:
        http: the HTTP client.
        diary: records the answers.
    """

    def __init__(self, http: httpx.AsyncClient, diary: Diary) -> None:
        self.http = http
        self.diary = diary
        self._numbers = count(1)

    async def send(self, method: str, path: str, **options: Any) -> tuple[str, httpx.Response]:
        """Send a request; return its name and the answer, which may be a refusal.

        Raises:
            httpx.HTTPStatusError: if the answer is another error.
        """
        name = f"r{next(self._numbers)}"
        headers = {"X-Request-ID": name}
        answer = await self.http.request(method, path, headers=headers, **options)
        if answer.status_code != REFUSED:
            answer.raise_for_status()
        self.diary.answers[f"{method} {answer.status_code}"] += 1
        return name, answer


async def open_sale(client: Client, flights: list[NewFlight]) -> None:
    """Put flights on sale, and rename the airports of each fifth one."""
    diary = client.diary
    for flight in flights:
        name, _ = await client.send("POST", "/flights", json=flight.model_dump())
        diary.flights[flight.number] = flight.model_dump()
        diary.audit[name, "created", f"Flight {flight.number}"] += 1
    for flight in flights[::5]:
        route = {"origin": f"Old {flight.origin}", "destination": flight.destination}
        name, _ = await client.send("PUT", f"/flights/{flight.number}/route", json=route)
        diary.flights[flight.number] |= route
        diary.audit[name, "changed", f"Flight {flight.number}"] += 1


async def rush(client: Client, customers: int, at_once: int) -> None:
    """Serve all customers, with a limit on those at the same time."""
    limit = asyncio.Semaphore(at_once)

    async def come(number: int) -> None:
        async with limit:
            await shop(client, number)

    async with asyncio.TaskGroup() as group:
        for number in range(customers):
            group.create_task(come(number))


async def shop(client: Client, number: int) -> None:
    """Search, order, change or cancel the order, and look at the flight: four requests."""
    chance, diary = Random(number), client.diary  # noqa: S311 - the same numbers in each run
    # Some flights are much more popular than others.
    flight = [*diary.flights.values()][int(len(diary.flights) * chance.random() ** 2)]
    await client.send("GET", "/flights", params={"q": flight["destination"].split(",")[0]})
    wanted = {
        "customer": f"customer {number}",
        "flight": flight["number"],
        "seats": chance.randint(1, 4),
        "extras": chance.sample([*EXTRAS], chance.randint(0, 2)),
    }
    name, answer = await client.send("POST", "/orders", json=wanted)
    if answer.status_code == REFUSED:
        await client.send("GET", f"/flights/{flight['number']}")
        await client.send("GET", "/flights", params={"q": flight["origin"].split(",")[0]})
        return
    key = answer.json()["id"]
    diary.orders[key] = dict(wanted)
    price = wanted["seats"] * flight["fare"] / 100
    diary.receipts[key] = f"{wanted['customer']}: {wanted['seats']} seats, {price:.2f}"
    diary.audit[name, "created", f"Order {key}"] += 1
    if chance.random() < 1 / 3:
        await cancel(client, key)
    else:
        await change(client, key, chance.randint(1, 4))
    await client.send("GET", f"/flights/{flight['number']}")


async def change(client: Client, key: int, seats: int) -> None:
    """Change the seats of an order, unless the flight is sold out."""
    name, answer = await client.send("PATCH", f"/orders/{key}", json={"seats": seats})
    order = client.diary.orders[key]
    if answer.status_code != REFUSED and order["seats"] != seats:
        order["seats"] = seats
        client.diary.audit[name, "changed", f"Order {key}"] += 1


async def cancel(client: Client, key: int) -> None:
    """Cancel an order."""
    name, _ = await client.send("DELETE", f"/orders/{key}")
    del client.diary.orders[key]
    client.diary.audit[name, "deleted", f"Order {key}"] += 1


async def call_off(client: Client, number: str) -> None:
    """Cancel a flight and all its orders."""
    diary, subject = client.diary, f"Flight {number}"
    name, _ = await client.send("DELETE", f"/flights/{number}")
    for key in [key for key, order in diary.orders.items() if order["flight"] == number]:
        del diary.orders[key]
        diary.audit[name, f"deleted with {subject}", f"Order {key}"] += 1
    del diary.flights[number]
    diary.audit[name, "deleted", subject] += 1


async def wait_for_receipts(client: Client) -> Counter[str]:
    """Wait until each order has its receipt, or none comes for a while; return who wrote how many."""
    written, patience = Counter[str](), PATIENCE
    while written.total() < len(client.diary.receipts) and patience > 0:
        await asyncio.sleep(PAUSE)
        _, answer = await client.send("GET", "/receipts")
        before, written = written, Counter(answer.json())
        patience = PATIENCE if written != before else patience - PAUSE
    return written
