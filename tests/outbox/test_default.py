"""The database of sends that are in no transaction."""

import os
import subprocess
import sys

import pytest

from clarion.errors import ArgumentError, BoundaryError
from clarion.outbox import use_database
from clarion.outbox.default import required_writer
from clarion.worker import Worker
from tests.house.tree import SRC
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


SENDS = """
from clarion import Signal, durable
from clarion.outbox import open_database, use_database
from clarion.outbox.tables import create_tables

database = open_database("sqlite:///shop.db")
connection = database.connect()
create_tables(connection)
connection.close()
use_database(database)
paid = Signal(name="shop.paid")
def mail(sender, **kwargs): ...
paid.connect(mail, delivery=durable(name="mail"))
paid.send(None)
print("sent")
"""


@pytest.mark.parametrize("end", ["", "use_database(None)"], ids=["with", "without"])
def test_a_program_leaves_no_connection_open(tmp_path, end):
    """A program that has sent ends without a warning of Python about an open connection."""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", SENDS + end],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("sent\n", "", 0)
