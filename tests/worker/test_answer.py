"""The answer of a database, for which a command waits for a bounded time."""

import threading

import pytest

from clarion.outbox import open_database
from clarion.worker.answer import ask, require_answer
from tests.services import MARIADB, POSTGRES


@pytest.mark.service
@pytest.mark.parametrize(
    ("service", "driver"),
    [(POSTGRES, "psycopg"), (MARIADB, "pymysql")],
    ids=["psycopg", "pymysql"],
)
def test_a_server_answers(service, driver):
    """A server that runs answers in time."""
    pytest.importorskip(driver)
    database, answered = open_database(service.url()), []

    def asked():
        ask(database)
        answered.append(service.name)

    require_answer(asked)
    assert answered == [service.name]


def test_a_file_is_not_asked(tmp_path):
    """A file of SQLite is neither opened nor created."""
    path = tmp_path / "none.db"
    ask(open_database(f"sqlite:///{path}"))
    assert not path.exists()


def test_a_database_that_never_answers():
    """The wait ends after the time, although the database still does not answer."""
    end = threading.Event()
    with pytest.raises(TimeoutError, match=r"has not answered for 0\.01 seconds"):
        require_answer(end.wait, 0.01)
    end.set()


def test_an_error_is_raised():
    """The error of the driver is raised in the thread that waits."""
    error = ConnectionRefusedError()

    def refuse():
        raise error

    with pytest.raises(ConnectionRefusedError) as caught:
        require_answer(refuse)
    assert caught.value is error
