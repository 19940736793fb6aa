"""A receiver that runs after the commit."""

import pytest

from clarion import on_commit
from tests.integrations.sqlalchemy.commit.paid import paid


@pytest.fixture
def ran():
    """The order_ids of the calls of a receiver that runs after the commit."""
    found = []
    paid.connect(lambda sender, order_id, **kw: found.append(order_id), delivery=on_commit)
    return found
