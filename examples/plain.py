"""Clarion without a framework: python examples/plain.py."""

import asyncio
import logging
from typing import Any

from clarion import Signal, receiver, signal
from clarion.introspect import explain

closed = Signal()  # as in Django: sent with any keywords, and every receiver takes **kwargs


@signal
def sold(sender: str, *, item: str, pieces: int) -> None:
    """Something was sold. Python and mypy check the sends and receivers of this signal."""


@receiver(sold, sender="web")
async def send_mail(sender: str, item: str, pieces: int) -> str:
    """Receive only the sales of the web, and await."""
    await asyncio.sleep(0.01)
    return f"mailed about {pieces} {item}"


@receiver(sold)
def print_label(sender: str, item: str, pieces: int) -> str:
    """Receive the sales of every sender, and fail for one item."""
    if item == "piano":
        raise ValueError("no label is that large")
    return f"printed {item}"


@receiver([sold, closed], priority=10)
def write_journal(sender: str, **kwargs: object) -> str:
    """Receive two signals, before the other receivers."""
    return f"{sender}: {kwargs.get('item', 'closed')}"


def show(title: str, responses: list[tuple[Any, Any]]) -> None:
    """Print the response of each receiver."""
    print(title)
    for function, response in responses:
        print(f"    {function.__name__}: {response!r}")


if __name__ == "__main__":
    print("A shop in plain Python\n")
    show("sold, at the counter", sold.send("counter", item="tea", pieces=2))
    show("sold, on the web", asyncio.run(sold.asend("web", item="tea", pieces=3)))
    logging.disable(logging.ERROR)  # send_robust logs failures, which are printed here anyway
    show(
        "sold, with send_robust: a receiver that fails stops no other one",
        sold.send_robust("web", item="piano", pieces=1),
    )
    show("closed", closed.send("counter"))
    print("\nWho listens:")
    print(explain(sold, "counter"))
