"""commits: run receivers after commits inside a test whose transaction is rolled back."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

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
    the queries of the others still work. At the end of the block, `drain` makes the
    stored deliveries and the calls of background receivers, which no engine gets: see `without_engines`.

    Use it with Django's `TestCase` and pytest-django's `db`, with SQLAlchemy sessions that
    have joined the transaction of a connection, and with `atomic()` blocks around a test:

        with commits():
            client.post("/orders/", {"item": "book"})
        assert len(mail.outbox) == 1
    """
    with ExitStack() as stack:
        stack.enter_context(atomic_block.ignore_outer())
        for provider in providers():
            stack.enter_context(provider.ignore_outer())
        from clarion.testing.engines import without_engines  # late, as in `_make_deliveries`

        stack.enter_context(without_engines())
        yield
        _make_deliveries()


def _make_deliveries() -> None:
    """Make the stored deliveries and the calls that were kept."""
    from clarion.outbox.receivers import connected_receivers
    from clarion.testing.deliveries import make_all, outbox_databases

    make_all(outbox_databases() if connected_receivers() else [])
