"""The database of sends that are in no transaction."""

import pytest

from clarion.errors import ArgumentError, BoundaryError
from clarion.outbox import use_database
from clarion.outbox.default import required_writer
from clarion.worker import Worker
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


@pytest.mark.parametrize("given", ["sqlite:///secret.db", object(), 5], ids=type)
def test_another_object_is_refused(given):
    """A URL, or any other object than a database, is refused with the cure and without its value."""
    for use in (use_database, Worker):
        with pytest.raises(ArgumentError, match=r"open_database\(") as raised:
            use(given)
        assert "secret" not in str(raised.value)
