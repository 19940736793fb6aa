"""PostgreSQL answers the COMMIT of an aborted transaction with a rollback: async drivers."""

import pytest

from clarion.errors import TransactionError
from tests.commit.databases import (
    ON_POSTGRES_ASYNC,
    run,
)
from tests.commit.failing import arefused

pytestmark = pytest.mark.usefixtures("_plain_python")


@pytest.mark.parametrize("make", ON_POSTGRES_ASYNC)
def test_aborted_transaction_is_refused(make, signal, calls):
    """The block raises, and no receiver runs."""

    async def main(database):
        async with arefused(TransactionError, "aborted by an error inside", database.connection):
            await database.add(1)
            signal.send(None, n=1)
            with pytest.raises(Exception, match="nonsense"):
                await database.execute("nonsense")
        assert calls == []
        assert await database.rows() == []

    run(make, main)
