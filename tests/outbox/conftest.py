"""Fixtures of the outbox's tests."""

import pytest

from tests.outbox.databases import outbox_on


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.service),
        pytest.param("mariadb", marks=pytest.mark.service),
    ]
)
def outbox(request, tmp_path):
    """Yield an empty outbox on each kind of database."""
    with outbox_on(request.param, tmp_path) as found:
        yield found


@pytest.fixture
def connection(outbox):
    """Return the first connection."""
    return outbox.opened[0]
