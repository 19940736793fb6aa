"""Complete the names and ids in a database."""

import pytest
import typer
from typer.main import get_group

from clarion.cli.app import app
from clarion.cli.outbox.completion import complete_dead, complete_stored


def line_with(params):
    """Return a command line that Typer has read so far."""
    context = typer.Context(get_group(app))
    context.params = params
    return context


def test_dead_deliveries_are_completed(shop):
    """Ids come with the receiver and its error, those on the line are left out, and receivers with none dead, too."""
    first, second = (
        shop.bury("shop:mail", error="Traceback:\nValueError: no"),
        shop.bury("shop:stock"),
    )
    shop.publish("shop:waiting")
    line = line_with({"database": shop.url, "ids": [second]})
    assert complete_dead(line, "") == [(str(first), "shop:mail: ValueError: no")]
    assert complete_stored(line, "shop:") == ["shop:mail", "shop:stock"]
    assert complete_stored(line, "shop:s") == ["shop:stock"]


@pytest.mark.parametrize("params", [{}, {"database": None}, {"database": "sqlite:///gone.db"}])
def test_without_a_database_nothing_is_completed(params, capfd):
    """A database that is not named, or cannot be read, completes nothing and prints nothing."""
    line = line_with(params)
    assert (complete_dead(line, ""), complete_stored(line, "")) == ([], [])
    assert capfd.readouterr() == ("", "")


def test_a_server_that_does_not_answer(monkeypatch):
    """A shell waits briefly for the names that a database has, and gets none if no answer comes."""
    waited = []

    def no_answer(_, seconds):
        waited.append(seconds)
        raise TimeoutError

    monkeypatch.setattr("clarion.cli.databases.require_answer", no_answer)
    line = line_with({"database": "postgresql://localhost/shop"})
    assert (complete_dead(line, ""), complete_stored(line, "")) == ([], [])
    assert waited == [1.5, 1.5]
