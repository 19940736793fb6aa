"""A durable send in `atomic(connection)`, on a connection of each family of drivers."""

from typing import Any

import pytest

from clarion import Signal, durable
from clarion.commit import atomic
from clarion.errors import BoundaryError
from clarion.outbox.adapters import adapt
from tests.outbox.databases import outbox_on
from tests.outbox.families import ASYNC, SYNC, address_of, run
from tests.outbox.places import rows


class Undo(Exception):  # noqa: N818
    """Rolls a block back."""


@pytest.fixture
def order_paid():
    """Return a signal with durable receivers: one with a key, and two without."""
    signal = Signal(name="shop.order_paid")
    signal.connect(ship, delivery=durable(name="ship", key="order_id"))
    for name in ("mail", "log"):
        signal.connect(lambda sender, **kwargs: None, weak=False, delivery=durable(name=name))
    return signal


def ship(sender, order_id, **kwargs):
    """Send a parcel."""


@pytest.fixture
def outbox(family, tmp_path):
    """Yield an empty outbox on the database of the family."""
    with outbox_on(family.database, tmp_path) as found:
        yield found


def stored(outbox):
    """Return the keys of the deliveries with a key that others see."""
    return [key for receiver, key in rows(outbox.opened[0]) if receiver == "ship"]


@pytest.mark.parametrize("family", SYNC)
def test_deliveries_are_committed_with_the_block(family, outbox, order_paid):
    """Only the deliveries of committed blocks and savepoints are stored."""
    with family.opened(address_of(outbox)) as connection:
        with atomic(connection):
            order_paid.send("web", order_id=1, note="50 %, 'ä' : $1 ?")
            with pytest.raises(Undo), atomic(connection):
                order_paid.send("web", order_id=2)
                raise Undo
            with atomic():
                order_paid.send("web", order_id=3)
            assert stored(outbox) == []
        with pytest.raises(Undo), atomic(connection):
            order_paid.send("web", order_id=4)
            raise Undo
    assert stored(outbox) == ["1", "3"]
    assert len(rows(outbox.opened[0])) == 6


@pytest.mark.parametrize("family", ASYNC)
def test_an_asend_is_stored_by_an_async_connection(family, outbox, order_paid):
    """`asend` on an async connection stores the same as `send` on a sync one."""

    async def main(connection):
        async with atomic(connection):
            await order_paid.asend("web", order_id=1, note="50 %, 'ä' : $1 ?")
            with pytest.raises(Undo):
                async with atomic(connection):
                    await order_paid.asend("web", order_id=2)
                    raise Undo
            async with atomic():
                await order_paid.asend("web", order_id=3)
            assert stored(outbox) == []
        with pytest.raises(Undo):
            async with atomic(connection):
                await order_paid.asend("web", order_id=4)
                raise Undo

    run(family, outbox, main)
    assert stored(outbox) == ["1", "3"]
    assert len(rows(outbox.opened[0])) == 6


@pytest.mark.parametrize("family", ASYNC)
def test_a_sync_send_on_an_async_connection_is_refused(family, outbox, order_paid):
    """A sync send cannot await the write, so it is refused and stores nothing."""

    async def main(connection):
        async with atomic(connection):
            with pytest.raises(BoundaryError, match="asend"):
                order_paid.send("web", order_id=1)

    run(family, outbox, main)
    assert stored(outbox) == []


@pytest.mark.parametrize("family", SYNC)
def test_an_asend_is_stored_by_a_sync_connection(family, outbox, order_paid):
    """`asend` writes on a sync connection in its own thread, without an await."""
    with family.opened(address_of(outbox)) as connection, atomic(connection):
        coroutine = order_paid.asend("web", order_id=1)
        with pytest.raises(StopIteration):
            coroutine.send(None)
    assert stored(outbox) == ["1"]


@pytest.mark.parametrize("family", [each for each in ASYNC if each.id in {"aiomysql", "asyncmy"}])
def test_a_payload_is_quoted_in_each_mode_of_mariadb(family, outbox, order_paid):
    """In the mode NO_BACKSLASH_ESCAPES, asyncmy would end the text of bytes too early."""

    async def main(connection):
        async with atomic(connection):
            mode = "SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'"
            cursor = connection.cursor()
            await (await cursor if hasattr(cursor, "__await__") else cursor).execute(mode)
            await order_paid.asend("web", order_id="it's \\' ä")

    run(family, outbox, main)
    assert stored(outbox) == ["it's \\' ä"]


CALLS = [{"receiver": name, "uid": "a" * 32} for name in ("it's", "50 %", ":uid ? $1")]


def received(outbox):
    """Return the calls that were inserted."""
    connection = outbox.opened[0]
    with connection.transaction():
        return [call for call in CALLS if not connection.change("receive", **call)]


@pytest.mark.parametrize("family", SYNC)
def test_an_insert_runs_once_for_each_row(family, outbox):
    """`insert` takes the parameters of several executions, in the open transaction."""
    with family.opened(address_of(outbox)) as connection:
        with pytest.raises(Undo), atomic(connection):
            adapt(connection).insert("receive", CALLS)
            raise Undo
        with atomic(connection):
            adapt(connection).insert("receive", CALLS[1:])
    assert received(outbox) == CALLS[1:]


@pytest.mark.parametrize("family", ASYNC)
def test_an_insert_runs_once_for_each_row_of_an_async_connection(family, outbox):
    """So it does on an async connection."""

    async def main(connection):
        adapted: Any = adapt(connection)
        async with atomic(connection):
            await adapted.insert("receive", CALLS[1:])

    run(family, outbox, main)
    assert received(outbox) == CALLS[1:]
