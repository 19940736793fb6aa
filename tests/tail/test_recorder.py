"""The instrument that makes events."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from clarion import Signal, durable, on_commit
from clarion.background import ExecutorDelivery
from clarion.commit import atomic
from clarion.outbox import open_database
from clarion.outbox.tables import create_tables
from clarion.tail.recorder import recorder
from clarion.worker import Worker
from tests.tail.conftest import Kept, is_watched


def test_nothing_is_watched_without_a_reader(signal):
    """With the first reader every signal is, and after the last none."""
    assert not is_watched(signal)
    one, two = Kept(), Kept()
    recorder.add(one)
    recorder.add(two)
    signal.send(None)
    recorder.remove(one)
    assert is_watched(signal)
    recorder.remove(two)
    recorder.remove(two)
    assert not is_watched(signal)
    signal.send(None)
    assert [len(each.events) for each in (one, two)] == [1, 1]


def test_a_send_and_its_calls(signal, kept):
    """In the order of their ends, with the error that ended the send."""

    @signal.connect
    def first(sender, **kwargs): ...

    @signal.connect
    def broken(sender, **kwargs):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        signal.send(kept, order_id=1)
    (event,) = kept.events
    assert (event["signal"], event["keywords"], event["error"]) == (
        "tests.tail.paid",
        ["order_id"],
        "ZeroDivisionError",
    )
    assert kept.calls() == [
        ("first", "now", "returned", None),
        ("broken", "now", "failed", "ZeroDivisionError"),
    ]
    assert all(each["seconds"] <= event["seconds"] for each in event["calls"])


def test_async_receivers(signal, kept, caplog):
    """Also those that run concurrently, and those that fail in a robust send."""

    @signal.connect
    async def fine(sender, **kwargs): ...

    @signal.connect
    async def broken(sender, **kwargs):
        raise KeyError

    asyncio.run(signal.asend_robust(None))
    assert sorted(kept.calls()) == [
        ("broken", "now", "failed", "KeyError"),
        ("fine", "now", "returned", None),
    ]


def test_a_call_after_the_commit(signal, kept):
    """It waits in the send, and is an event of its own later."""

    @signal.connect(delivery=on_commit)
    def mail(sender, **kwargs): ...

    with closing(sqlite3.connect(":memory:")) as connection, atomic(connection):
        signal.send(kept)
    assert [event["kind"] for event in kept.events] == ["send", "call"]
    assert kept.calls() == [
        ("mail", "on_commit", "waiting", None),
        ("mail", "on_commit", "returned", None),
    ]


def test_a_durable_delivery_and_its_worker(kept, tmp_path):
    """It is stored in the send, and the call of the worker is an event of its own."""
    database = open_database(f"sqlite:///{tmp_path / 'shop.db'}")
    with closing(database.connect()) as connection:
        create_tables(connection)
    stored = Signal(name="tests.tail.stored")

    @stored.connect(delivery=durable(name="tests.tail:index", retries=0))
    def index(sender, **kwargs):
        raise LookupError

    @stored.connect(delivery=durable(name="tests.tail:amail"))
    async def amail(sender, **kwargs): ...

    with closing(sqlite3.connect(tmp_path / "shop.db")) as raw, atomic(raw):
        stored.send(None)
    Worker(database).drain()
    calls = kept.calls()
    assert calls[:2] == [
        ("index", "durable", "stored", None),
        ("amail", "durable", "stored", None),
    ]
    assert sorted(calls[2:]) == [
        ("amail", "durable", "returned", None),
        ("index", "durable", "failed", "LookupError"),
    ]


def pool_mail(sender, **kwargs): ...


def test_a_call_that_an_engine_carries_out(signal, kept, caplog):
    """It waits for the commit, is enqueued, and is called by the engine's worker."""
    with ThreadPoolExecutor(1) as pool, closing(sqlite3.connect(":memory:")) as connection:
        signal.connect(pool_mail, delivery=ExecutorDelivery(pool))
        with atomic(connection):
            signal.send(None)
    assert kept.calls()[0] == ("pool_mail", "the executor", "waiting", None)
    # The pool may be quicker than the thread that has committed.
    assert sorted(kept.calls()[1:]) == [
        ("pool_mail", "the executor", "enqueued", None),
        ("pool_mail", "the executor", "returned", None),
    ]


def test_sends_of_django_without_receivers_are_left_out(kept):
    """Django sends two for each object that it loads."""
    Signal(name="django.db.models.signals.pre_init").send(None)
    assert kept.events == []


def test_a_name_that_raises_breaks_no_send(signal, kept):
    """The receiver has the name of its type."""

    class Receiver:
        def __getattr__(self, name):
            raise RuntimeError if name == "__qualname__" else AttributeError

        def __call__(self, sender, **kwargs):
            return "called"

    signal.connect(receiver := Receiver(), weak=False)
    assert signal.send(None) == [(receiver, "called")]
    assert kept.calls() == [("Receiver", "now", "returned", None)]
    assert kept.lost == 0


def test_an_attribute_that_raises_breaks_no_send(signal, kept):
    """The event counts as dropped."""

    class Response:
        def __getattribute__(self, name):
            raise RuntimeError

    Response.__module__ = "clarion.of_a_test"
    response = Response()

    @signal.connect
    def receiver(sender, **kwargs):
        return response

    assert signal.send(None)[0][1] is response
    assert kept.lost == 1
