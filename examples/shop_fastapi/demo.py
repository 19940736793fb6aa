"""Start the shop, send many requests at once, and check the books.

    python examples/shop_fastapi/demo.py --requests 10000 --at-once 500 --pool-size 1

SHOP_DATABASE_URL selects a PostgreSQL database; the demo drops and creates its tables shop_*. With
SHOP_REDIS_URL, Celery writes the receipts; start its worker first: see shop/tasks.py.
"""

import asyncio
import os
import socket
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import httpx
import uvicorn
from fastapi import FastAPI
from rich.console import Console
from rich.table import Column, Table

from clarion.integrations.sqlalchemy import pre_save
from clarion.introspect import explain
from shop import customers
from shop.app import create
from shop.books import Book, books
from shop.data import flights
from shop.database import PATIENCE, Database
from shop.models import Order
from shop.traffic import seen

console = Console(highlight=False)


def options(arguments: list[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=1000, help="the number of requests")
    parser.add_argument("--at-once", type=int, default=100, help="how many at the same time")
    parser.add_argument("--pool-size", type=int, default=5, help="the number of connections")
    return parser.parse_args(arguments)


async def run(chosen: Namespace, url: str) -> list[Book]:
    """Run one day of the shop; return its books."""
    database, diary = Database(url, chosen.pool_size), customers.Diary()
    seen.clear()
    await database.drop()
    try:
        async with served(create(database)) as address, client(address, chosen.at_once) as http:
            await day(customers.Client(http, diary), chosen)
        return await books(database, diary, seen)
    finally:
        await database.drop()
        await database.close()


async def day(client: customers.Client, chosen: Namespace) -> None:
    """Open the sale, serve the customers, and cancel a flight."""
    visitors = -(-chosen.requests // customers.STEPS)
    on_sale = [*flights(max(8, visitors // 40))]
    await customers.open_sale(client, on_sale)
    start = perf_counter()
    await customers.rush(client, visitors, chosen.at_once)
    seconds = perf_counter() - start
    await customers.call_off(client, on_sale[0].number)
    requests = visitors * customers.STEPS
    console.print(
        f"{visitors:,} customers sent {requests:,} requests, {chosen.at_once} at a time, to "
        f"{chosen.pool_size} connections: {requests / seconds:,.0f} a second.",
        soft_wrap=True,
    )
    console.print(table_of_answers(client.diary))
    for by, written in (await customers.wait_for_receipts(client)).items():
        console.print(f"{by} wrote {written:,} receipts.", soft_wrap=True)


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """Serve an application on a free port; yield its address."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        # If the server closed a connection during a request, the client could not know whether
        # the request was served.
        server = uvicorn.Server(
            uvicorn.Config(
                app, log_level="warning", lifespan="on", backlog=2048, timeout_keep_alive=PATIENCE
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            while not server.started and not serving.done():  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


def client(address: str, at_once: int) -> httpx.AsyncClient:
    """Make a client with a connection for each concurrent customer."""
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    # The proxies of the environment do not apply to a local server.
    return httpx.AsyncClient(base_url=address, limits=limits, timeout=None, trust_env=False)  # noqa: S113


def table_of_answers(diary: customers.Diary) -> Table:
    """Return how often each answer was given."""
    table = Table("Answer", Column("Times", justify="right"))
    for answer, times in sorted(diary.answers.items()):
        table.add_row(answer, f"{times:,}")
    return table


def table_of_books(checked: list[Book]) -> Table:
    """Return the number of entries of each book, and whether they are right."""
    table = Table("What receivers kept", Column("Entries", justify="right"), "Check")
    for book in checked:
        verdict = f"[red]{len(book.wrong):,} wrong[/]" if book.wrong else "[green]exactly right[/]"
        table.add_row(book.name, f"{len(book.kept):,}", verdict)
    return table


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; return 1 if a receiver missed a call."""
    chosen = options(arguments)
    console.print("[bold]A FastAPI shop sells seats on SQLAlchemy[/]\n")
    with TemporaryDirectory(prefix="shop-") as folder:
        url = os.environ.get("SHOP_DATABASE_URL") or f"sqlite:///{Path(folder, 'shop.sqlite3')}"
        checked = asyncio.run(run(chosen, url))
    console.print(table_of_books(checked))
    wrong = [f"The {book.name}: {book.wrong[:5]}" for book in checked if book.wrong]
    if wrong:
        print(
            "What some receivers kept is wrong, at these keys:", *wrong, sep="\n", file=sys.stderr
        )
        return 1
    explanation = str(explain(pre_save, sender=Order)).replace(f"{Path(__file__).parent}/", "")
    console.print("[bold green]Every receiver was called exactly as often as it should.[/]")
    console.print("\nWho listens:", explanation, sep="\n", soft_wrap=not console.is_terminal)
    return 0


if __name__ == "__main__":
    sys.exit(main())
