"""Which connections a thread keeps for the next call."""

import time
from contextlib import contextmanager

import pytest
from django.db import connections, transaction

from clarion.errors import BoundaryError
from clarion.integrations.django.outbox import kept_connections
from clarion.integrations.django.outbox.kept_connections import (
    close_old,
    end_call,
    end_failed_call,
    is_serving,
    serve,
)
from tests.integrations.django.outbox.sends import authors
from tests.integrations.django.outbox.test_database import in_a_thread


@contextmanager
def kept_after(alias):
    """Yield a list, which has afterwards whether a call in the block has kept its connection."""
    kept: list[bool] = []
    authors(alias)
    before = connections[alias].connection
    yield kept
    end_call()
    kept.append(connections[alias].connection is before)


def served(function, *arguments):
    """Call a function in a thread that serves, and return its result."""

    def call():
        serve()
        return function(*arguments)

    return in_a_thread(call)


@pytest.fixture
def settings_of(alias, monkeypatch):
    """Return a function that sets options of the database."""

    def change(**options):
        for name, value in options.items():
            monkeypatch.setitem(connections.settings[alias], name, value)

    return change


def test_a_working_connection_is_kept(alias):
    """Even though CONN_MAX_AGE is 0, because the next call comes soon."""

    def call():
        with kept_after(alias) as kept:
            authors(alias)
        return kept

    assert served(call) == [True]


def test_a_thread_that_does_not_serve_keeps_everything(alias):
    """Also an open transaction, such as that of a test."""

    def call():
        assert not is_serving()
        authors(alias)
        with transaction.atomic(using=alias):
            before = connections[alias].connection
            end_call()
            assert connections[alias].connection is before
            authors(alias)

    in_a_thread(call)


def test_an_old_connection_is_closed(alias, monkeypatch):
    """A thread that is never idle connects again from time to time."""
    monkeypatch.setattr(kept_connections, "SHORTEST_AGE", 0.0)

    def call():
        with kept_after(alias) as kept:
            pass
        return kept

    assert served(call) == [False]


def test_the_settings_may_keep_it_for_longer(alias, monkeypatch, settings_of):
    """As CONN_MAX_AGE says."""
    monkeypatch.setattr(kept_connections, "SHORTEST_AGE", 0.0)
    settings_of(CONN_MAX_AGE=600)

    def call():
        with kept_after(alias) as kept:
            pass
        return kept, (close_old() or 0.0) - time.monotonic()

    kept, seconds = served(call)
    assert kept == [True]
    assert 500 < seconds <= 600


@pytest.mark.parametrize("begun", ["by Django", "by a statement"])
def test_a_transaction_that_was_left_open_is_rolled_back(alias, begun):
    """The next receiver must not write in it, and this one has lost what it wrote in it."""

    def call():
        authors(alias)
        before = connections[alias].connection
        if begun == "by Django":
            transaction.atomic(using=alias).__enter__()
        else:
            connections[alias].cursor().execute("BEGIN")
        with pytest.raises(BoundaryError, match=f"left a transaction open in .* '{alias}'"):
            end_call()
        end_failed_call()
        with transaction.atomic(using=alias):
            authors(alias)
        return connections[alias].connection is before

    assert served(call) is False


def test_the_mode_of_the_settings_is_restored(alias):
    """A receiver may have turned autocommit off."""

    def call():
        with kept_after(alias) as kept:
            transaction.set_autocommit(False, using=alias)
        authors(alias)
        return kept, connections[alias].get_autocommit()

    assert served(call) == ([False], True)


def test_a_broken_connection_is_closed(alias):
    """So the next call connects again."""

    def call():
        with kept_after(alias) as kept:
            connections[alias].connection.close()
            connections[alias].errors_occurred = True
        return kept, authors(alias)

    assert served(call) == ([False], 0)


def test_a_connection_of_a_pool_is_given_back(postgres, monkeypatch):
    """Another thread may wait for it."""
    pytest.importorskip("psycopg_pool")
    pool = {"min_size": 1, "max_size": 1}
    monkeypatch.setitem(connections.settings[postgres], "OPTIONS", {"pool": pool})

    def call():
        with kept_after(postgres) as kept:
            pool = connections[postgres].pool
        pool.putconn(pool.getconn(timeout=10))
        connections[postgres].close_pool()
        return kept

    assert served(call) == [False]


def test_an_idle_thread_closes_what_is_too_old(alias, settings_of):
    """It reports when the next one is too old: never without a limit, None without a connection."""

    def call():
        authors(alias)
        return close_old()

    assert served(call) is None
    settings_of(CONN_MAX_AGE=None)
    assert served(call) == float("inf")
