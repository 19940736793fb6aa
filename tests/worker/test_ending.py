"""How the transaction of a receiver that never returns is ended."""

import asyncio

import pytest

from clarion.worker.ending import aend_of, end_of
from tests.worker.stage import note


def test_its_locks_are_released_and_its_writes_undone(stage):
    """Another connection ends it, so its locks are released and its writes undone."""
    with (
        pytest.raises(Exception, match=r"(?i)closed|terminat|lost|gone|interrupt|0, ''"),
        stage.database.transaction() as transaction,
    ):
        end = end_of(stage.database, transaction.connection)
        note(transaction.provided["connection"], "same", "", 1)
        end()
        note(transaction.provided["connection"], "same", "", 2)
    assert stage.effects() == []
    stage.run("INSERT INTO effects (receiver, name, n) VALUES ('other', '', 3)")


def test_the_transaction_of_an_async_receiver(stage):
    """The transaction of an async receiver is ended in the same way."""

    async def main():
        async with stage.database.atransaction() as transaction:
            end = await aend_of(stage.database, transaction.connection)
            assert end is not None
            end()
            raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(main())
    stage.run("INSERT INTO effects (receiver, name, n) VALUES ('other', '', 3)")
