"""The inbox, on each kind of database."""

import asyncio
from typing import Any

import pytest

from clarion.outbox import inbox, store
from clarion.outbox.delivery_row import Target
from tests.outbox.test_store import LEASE, claim, settle


def test_a_receiver_has_a_call_once(outbox, connection):
    """A recorded call is not recorded again, unless it was rolled back."""
    with pytest.raises(ZeroDivisionError), connection.transaction():
        assert inbox.receive(connection, "mail", "a" * 32)
        raise ZeroDivisionError
    with connection.transaction():
        assert inbox.receive(connection, "mail", "a" * 32)
        assert not inbox.receive(connection, "mail", "a" * 32)
        assert inbox.receive(connection, "log", "a" * 32)
    with outbox.open().transaction():
        assert not inbox.receive(outbox.opened[-1], "log", "a" * 32)


def test_old_calls_are_pruned(outbox, connection):
    """The inbox is pruned with the events, by the same age and limit."""
    outbox.publish(Target("mail"))
    settle(connection, *claim(connection))
    with connection.transaction():
        for number in range(3):
            inbox.receive(connection, "mail", f"{number:032}")
        assert store.prune(connection, LEASE) == 0
        assert store.prune(connection, 0, limit=3) == 3
        assert store.prune(connection, 0) == 1
        assert inbox.receive(connection, "mail", f"{0:032}")


def test_an_async_connection_notes_calls(connection):
    """An async connection records calls as a sync one."""

    class Async:
        async def change(self, name, **parameters):
            return connection.change(name, **parameters)

    given: Any = Async()
    with connection.transaction():
        assert asyncio.run(inbox.areceive(given, "mail", "a" * 32))
        assert not asyncio.run(inbox.areceive(given, "mail", "a" * 32))
