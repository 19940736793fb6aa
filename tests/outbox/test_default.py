"""The database of sends that are in no transaction."""

import pytest

from clarion.errors import BoundaryError
from clarion.outbox import use_database
from clarion.outbox.default import required_writer
from tests.outbox.databases import outbox_on
from tests.outbox.places import Place


@pytest.fixture
def place(tmp_path):
    """Return a database in a file."""
    with outbox_on("sqlite", tmp_path) as outbox:
        yield Place(outbox)


def test_a_database_can_be_set_and_restored(place):
    """`use_database` returns the previous database."""
    assert use_database(place) is None
    assert required_writer().database is place
    assert use_database(None) is place
    with pytest.raises(BoundaryError, match="open_database"):
        required_writer()
