"""Connections of SQLAlchemy Core."""

import pytest

from tests.commit.databases import (
    SYNC,
)
from tests.commit.failing import refused

pytestmark = pytest.mark.usefixtures("_plain_python")


@pytest.mark.parametrize("make", [each for each in SYNC if "alchemy" in str(each.id)])
def test_closed_connection_is_refused(make, signal, calls):
    """SQLAlchemy has rolled back, and raised nothing."""
    with make() as database:
        other = database.connection.engine.connect()
        with refused(Exception, "closed", other):
            signal.send(None, n=1)
            other.close()
        assert calls == []
