"""commits: run receivers after commits inside a test whose transaction is rolled back."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from clarion.commit import atomic_block
from clarion.commit.providers import providers

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def commits() -> Generator[None]:
    """Ignore the transactions that are open now.

    Inside the block, `on_commit` receivers run when the outermost transaction that began in the
    block ends, as if it was committed. Receivers of a savepoint that was rolled back do not run. A
    send outside such a transaction runs its receivers at once. If one receiver breaks a constraint,
    the queries of the others still work. At the end of the block, `drain` makes the stored deliveries.

    Use it with Django's `TestCase` and pytest-django's `db`, with SQLAlchemy sessions that
    have joined the transaction of a connection, and with `atomic()` blocks around a test::

        with commits():
            client.post("/orders/", {"item": "book"})
        assert len(mail.outbox) == 1
    """
    with ExitStack() as stack:
        stack.enter_context(atomic_block.ignore_outer())
        for provider in providers():
            stack.enter_context(provider.ignore_outer())
        yield
        _make_deliveries()


def _make_deliveries() -> None:
    """Make the stored deliveries, if a durable receiver is connected and a database is found."""
    receivers: Any = sys.modules.get("clarion.outbox.receivers")  # loaded with the first receiver
    if receivers is None or not receivers.connected_receivers():
        return
    from clarion.testing.deliveries import drain, outbox_databases

    if databases := outbox_databases():
        drain(*databases)
