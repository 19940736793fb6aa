"""A shop whose worker is killed: no mail for a rolled back order, and no invoice is lost.

python examples/durable.py --orders 2000
"""

import sqlite3
import subprocess
import sys
import time
from argparse import ArgumentParser
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Column, Table

from clarion import Signal, durable, receiver
from clarion.commit import atomic
from clarion.introspect import explain
from clarion.outbox import open_database, store
from clarion.outbox.tables import create_tables
from clarion.worker import Worker

console = Console(highlight=False)
order_paid = Signal(name="shop.order_paid")

# Another process finds each receiver by its name, because this file is a main module.
BOOKED = durable(name="write_invoice", key="customer", effects="same database")
MAILED = durable(name="send_mail", retries=5)


@receiver(order_paid, delivery=BOOKED)
def write_invoice(
    sender: str, order_id: int, customer: str, connection: sqlite3.Connection, **kwargs: object
) -> None:
    """Write the invoice, in the transaction that ends the delivery, so exactly once."""
    connection.execute("INSERT INTO invoices VALUES (?, ?)", [order_id, customer])


@receiver(order_paid, delivery=MAILED)
def send_mail(sender: str, order_id: int, **kwargs: object) -> None:
    """Send a mail. Mails go out at least once, so one may go out twice after a crash."""


def place_order(shop: sqlite3.Connection, order_id: int, *, can_pay: bool) -> None:
    """Place an order; it is rolled back if the customer cannot pay."""
    with suppress(ValueError), atomic(shop):
        shop.execute("INSERT INTO orders VALUES (?)", [order_id])
        order_paid.send("shop", order_id=order_id, customer=f"customer {order_id % 20}")
        if not can_pay:
            raise ValueError("the card was declined")


def work(path: str) -> None:
    """Make deliveries until the process is stopped or killed."""
    Worker(open_database(f"sqlite:///{path}"), lease=1.0, batch=20).run()


def start_worker(path: Path) -> subprocess.Popen[bytes]:
    """Start a worker in a process of its own."""
    return subprocess.Popen([sys.executable, __file__, "--work", str(path)])  # noqa: S603


def waiting(path: Path) -> int:
    """Return how many deliveries are stored."""
    with closing(open_database(f"sqlite:///{path}").connect()) as connection:
        return sum(each.deliveries for each in store.waiting(connection))


def wait_until_fewer(path: Path, count: int) -> None:
    """Wait until fewer deliveries than this are stored."""
    while waiting(path) >= count:
        time.sleep(0.02)


def prepare(path: Path) -> sqlite3.Connection:
    """Create the tables, and return a connection of the shop."""
    database = open_database(f"sqlite:///{path}")
    with closing(database.connect()) as connection, connection.transaction():
        create_tables(connection)
    shop = sqlite3.connect(path, isolation_level="IMMEDIATE")
    shop.execute("CREATE TABLE orders (id integer PRIMARY KEY)")
    shop.execute("CREATE TABLE invoices (order_id integer, customer text)")
    shop.commit()
    return shop


def run_story(path: Path, orders: int) -> bool:
    """Run the story; return whether every order has exactly one invoice."""
    with closing(prepare(path)) as shop:
        console.print("[bold]A shop whose worker is killed[/]\n")
        place_order(shop, 0, can_pay=False)
        console.print(
            f"1. A card was declined, and the order rolled back: {waiting(path)} mails wait."
        )
        for order_id in range(1, orders + 1):
            place_order(shop, order_id, can_pay=True)
        stored = waiting(path)
        console.print(f"2. {orders:,} orders were paid: {stored:,} invoices and mails wait.")
        first = start_worker(path)
        wait_until_fewer(path, stored - orders // 5)
        first.kill()
        first.wait()
        console.print(f"3. A worker was killed in the middle of it: {waiting(path):,} still wait.")
        second = start_worker(path)
        wait_until_fewer(path, 1)
        second.terminate()
        second.wait()
        console.print("4. Another worker has finished the rest.\n")
        return report(shop)


def report(shop: sqlite3.Connection) -> bool:
    """Print the counts, and who listens; return whether they are right."""
    orders: int
    (orders,) = shop.execute("SELECT count(*) FROM orders").fetchone()
    (invoices,) = shop.execute("SELECT count(*) FROM invoices").fetchone()
    (invoiced,) = shop.execute("SELECT count(DISTINCT order_id) FROM invoices").fetchone()
    table = Table("", Column("Count", justify="right"))
    table.add_row("orders", f"{orders:,}")
    table.add_row("invoices", f"{invoices:,}")
    table.add_row("orders with an invoice", f"{invoiced:,}")
    console.print(table)
    with atomic(shop):
        listeners = str(explain(order_paid, "shop", order_id=1, customer="customer 1"))
    listeners = listeners.replace(f"{Path(__file__).parent}/", "")
    console.print("\nWho listens:", listeners, sep="\n", soft_wrap=not console.is_terminal)
    return (invoices, invoiced) == (orders, orders)


def main(arguments: list[str] | None = None) -> int:
    """Run the story, or only its worker; return 1 if a count is wrong."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--orders", type=int, default=500, help="how many orders are paid")
    parser.add_argument("--work", metavar="FILE", help="only run a worker on this file")
    chosen = parser.parse_args(arguments)
    if chosen.work:
        work(chosen.work)
        return 0
    with TemporaryDirectory() as folder:
        return 0 if run_story(Path(folder) / "shop.db", chosen.orders) else 1


if __name__ == "__main__":
    sys.exit(main())
