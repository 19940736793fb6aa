"""What ends the transaction of a receiver that never returns."""

import asyncio

import pytest

from clarion.worker.ending import aend_of, end_of
from tests.worker.stage import note


def test_its_locks_are_released_and_its_writes_undone(stage):
    """From another connection; the database may be used at once."""
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
    """As of a sync one."""

    async def main():
        async with stage.database.atransaction() as transaction:
            end = await aend_of(stage.database, transaction.connection)
            assert end is not None
            end()
            raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(main())
    stage.run("INSERT INTO effects (receiver, name, n) VALUES ('other', '', 3)")
