"""Requests and async code find the transaction in the thread that holds the connection."""

import asyncio

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections, transaction
from django.db.models.signals import post_save
from django.dispatch import Signal as DjangoSignal
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from clarion import Signal, on_commit
from clarion.errors import RunningLoopError
from tests.integrations.django.commit.sends import Undo, counts, create, order_paid, undone
from tests.integrations.django.library.models import Author


def atomic_view(request):
    """Write, and fail if asked to."""
    create("by a view")
    if request.GET.get("fail"):
        raise Undo
    return HttpResponse("written")


def sync_view_that_sends_async(request):
    """Send from async code that a sync view in a transaction runs."""
    with transaction.atomic():
        [[_, scheduled]] = async_to_sync(order_paid.asend)(None, name="by a view")
        return HttpResponse(scheduled.status)


async def async_view(request):
    """Write in Django's thread for sync code, and send beside it."""

    @sync_to_async
    def write():
        with transaction.atomic():
            create("in a thread")
            async_to_sync(order_paid.asend)(None, name="asend in a thread")

    await write()
    await order_paid.asend(None, name="at once")
    return HttpResponse("written")


urlpatterns = [
    path("atomic/", atomic_view),
    path("nested/", sync_view_that_sends_async),
    path("async/", async_view),
]


@pytest.fixture
def client(settings):
    """A client of this module's views."""
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False)


def test_atomic_requests(transactional_db, client, ran, note, monkeypatch):
    """With ATOMIC_REQUESTS a receiver waits for the transaction of the view."""
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    assert client.get("/atomic/").content == b"written"
    assert ran == ["by a view"]
    assert client.get("/atomic/?fail=1").status_code == 500
    assert ran == ["by a view"]
    assert counts(post_save, note)["dropped"] == 1


def test_asend_finds_the_connection_of_a_sync_view(transactional_db, client, ran, note):
    """`asend` finds the transaction in the thread of the view, not in that of the event loop."""
    assert client.get("/nested/").content == b"waiting"
    assert ran == ["by a view"]


def test_an_async_view(transactional_db, client, ran, note):
    """`asend` in an async view finds a transaction that is open in Django's thread for sync code."""
    assert client.get("/async/").content == b"written"
    assert ran == ["in a thread", "asend in a thread", "at once"]


def test_async_receivers_find_the_connections(database, ran):
    """An async receiver of any kind of signal makes its queries in the thread of the connections."""

    async def count(sender, **kwargs):
        ran.append(await Author.objects.using(database).acount())

    for signal in (Signal(), DjangoSignal()):
        signal.connect(count, delivery=on_commit, weak=False)
        with transaction.atomic(database):
            create("a", database)
            signal.send(None, using=database)
        signal.send(None, using=database)
    assert ran == [1, 1, 2, 2]


def test_async_receivers_of_asend(transactional_db, ran):
    """Async receivers wait for an open transaction; outside of one the send awaits them."""

    async def receive(sender, nth, **kwargs):
        ran.append((nth, await Author.objects.acount()))

    signal = Signal()
    signal.connect(receive, delivery=on_commit)
    with transaction.atomic():
        async_to_sync(signal.asend)(None, nth=1)
        create("a")
        assert ran == []
    async_to_sync(signal.asend)(None, nth=2)
    assert ran == [(1, 1), (2, 1)]


def test_sync_receivers_of_asend_run_in_djangos_thread(transactional_db, ran):
    """Outside a transaction, a sync receiver of `asend` uses the caller's connections."""
    signal = Signal()
    receive = lambda **kwargs: ran.append((kwargs["nth"], Author.objects.count()))  # noqa: E731
    signal.connect(receive, delivery=on_commit)
    create("a")
    async_to_sync(signal.asend)(None, nth=1)
    assert ran == [(1, 1)]


def test_inline_receivers_of_asend(transactional_db, ran):
    """Outside a transaction, inline receivers of `asend` run on the event loop."""
    signal = Signal()
    signal.connect(
        lambda **kwargs: ran.append(asyncio.get_running_loop()), delivery=on_commit, inline=True
    )
    async_to_sync(signal.asend)(None)
    assert len(ran) == 1


def test_dropped_after_asend(transactional_db, ran, note):
    """The event loop keeps no reference to a call that was rolled back."""
    with undone():
        [[_, scheduled]] = async_to_sync(order_paid.asend)(None, name="a")
    assert (scheduled.status, ran) == ("dropped", [])


def test_a_transaction_in_the_event_loops_own_thread(
    transactional_db, other, ran, note, monkeypatch
):
    """In a transaction of the event loop's own thread, sync receivers wait, and async ones are refused."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

    async def receive(sender, **kwargs):
        raise AssertionError

    async def main():
        with transaction.atomic(other):
            await order_paid.asend(None, name="a", using=other)
            order_paid.send(None, name="b", using=other)
            assert ran == []
            order_paid.connect(receive, delivery=on_commit)
            with pytest.raises(RunningLoopError, match="sync code will commit"):
                await order_paid.asend(None, name="c", using=other)
            with pytest.raises(RunningLoopError, match="sync code will commit"):
                order_paid.send(None, name="d", using=other)
            order_paid.disconnect(receive)
        connections[other].close()  # each context of an event loop has its own

    asyncio.run(main())
    assert ran[:2] == ["a", "b"]
