"""Clarion in plain Python, without any framework: python examples/plain.py."""

import asyncio
import logging
from typing import Any

from clarion import Signal, receiver, signal
from clarion.introspect import explain

closed = Signal()  # as in Django: sent with any keywords, and every receiver takes **kwargs


@signal
def sold(sender: str, *, item: str, pieces: int) -> None:
    """Something was sold. Declared like this, sends and receivers are checked, by mypy too."""


@receiver(sold, sender="web")
async def send_mail(sender: str, item: str, pieces: int) -> str:
    """Hear what the web sells only, and await."""
    await asyncio.sleep(0.01)
    return f"mailed about {pieces} {item}"


@receiver(sold)
def print_label(sender: str, item: str, pieces: int) -> str:
    """Hear everybody, and fail at times."""
    if item == "piano":
        raise ValueError("no label is that large")
    return f"printed {item}"


@receiver([sold, closed], priority=10)
def write_journal(sender: str, **kwargs: object) -> str:
    """Hear two signals, and be the first."""
    return f"{sender}: {kwargs.get('item', 'closed')}"


def show(what: str, responses: list[tuple[Any, Any]]) -> None:
    """Print who answered what."""
    print(what)
    for heard_by, response in responses:
        print(f"    {heard_by.__name__}: {response!r}")


if __name__ == "__main__":
    show("sold, at the counter", sold.send("counter", item="tea", pieces=2))
    show("sold, on the web", asyncio.run(sold.asend("web", item="tea", pieces=3)))
    logging.disable(logging.ERROR)  # send_robust logs what fails, which is printed here anyway
    show("sold, robustly", sold.send_robust("web", item="piano", pieces=1))
    show("closed", closed.send("counter"))
    print(explain(sold, "counter"))
