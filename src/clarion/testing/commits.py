"""Have receivers run after commits in a test whose own transaction will be rolled back."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from clarion.commit import atomic_block
from clarion.commit.providers import providers

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def commits() -> Generator[None]:
    """Count the transactions that are open now as absent.

    Inside the block, `on_commit` receivers run at the end of the outermost transaction that
    was begun in it, as they would at its commit: also those of sends from such receivers, and
    not those of savepoints that were rolled back. A send in no such transaction has its
    receivers run at once.

    It is for Django's `TestCase` and pytest-django's `db`, for sessions of SQLAlchemy's that
    have joined the transaction of a connection, and for `atomic()` blocks around a test::

        with commits():
            client.post("/orders/", {"item": "book"})
        assert len(mail.outbox) == 1
    """
    with ExitStack() as stack:
        stack.enter_context(atomic_block.ignore_outer())
        for provider in providers():
            stack.enter_context(provider.ignore_outer())
        yield
