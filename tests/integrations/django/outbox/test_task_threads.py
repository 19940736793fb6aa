"""Async calls have a thread each, and the next ones use it again."""

import asyncio
import subprocess
import sys
import threading

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.db.backends.signals import connection_created

from clarion.integrations.django.outbox import task_threads
from clarion.integrations.django.outbox.task_threads import TaskThreads
from tests.integrations.django.library.models import Author
from tests.integrations.django.outbox.sends import authors
from tests.threads import no_more_threads


@pytest.fixture
def threads():
    """The threads of a worker."""
    return TaskThreads()


@pytest.fixture
def opened():
    """The threads in which connections were opened."""
    found: list[threading.Thread] = []

    def note(**_):
        found.append(threading.current_thread())

    connection_created.connect(note)
    yield found
    connection_created.disconnect(note)


async def current():
    """Return the thread for sync code."""
    return await sync_to_async(threading.current_thread)()


def test_calls_after_each_other_share_a_connection(threads, alias, opened):
    """Whether they run queries of Django's or functions."""

    async def main():
        for _ in range(20):
            async with threads.thread():
                await Author.objects.using(alias).acount()
                await sync_to_async(authors)(alias)

    asyncio.run(main())
    assert len(opened) == 1


def test_calls_at_the_same_time_do_not(threads, alias, opened):
    """A transaction of one is not that of another."""

    async def call(both):
        async with threads.thread():
            await both.wait()
            await Author.objects.using(alias).acount()
            await both.wait()

    async def main():
        for _ in range(3):
            both = asyncio.Barrier(2)
            await asyncio.gather(call(both), call(both))

    asyncio.run(main())
    assert len(opened) == len(set(opened)) == 2


def test_a_call_without_queries_needs_no_thread(threads):
    """Most async receivers use the network only."""

    async def main():
        before = threading.active_count()
        for _ in range(3):
            async with threads.thread():
                assert threading.active_count() == before
        assert threading.active_count() == before

    asyncio.run(main())


def test_the_connections_end_with_the_loop(threads, alias, opened):
    """And the threads."""

    async def main():
        async with threads.thread():
            await Author.objects.using(alias).acount()
            connection = await sync_to_async(lambda: connections[alias])()
        assert connection.connection is not None
        return connection

    assert asyncio.run(main()).connection is None
    [thread] = opened
    thread.join(10)
    assert not thread.is_alive()


def test_an_idle_thread_ends(threads, alias, opened, monkeypatch):
    """With its connection, because CONN_MAX_AGE is 0."""
    monkeypatch.setattr(task_threads, "LONGEST_IDLE", 0.01)

    async def main():
        async with threads.thread():
            await Author.objects.using(alias).acount()
        [thread] = opened
        await asyncio.to_thread(thread.join, 10)
        assert not thread.is_alive()
        async with threads.thread():
            assert await Author.objects.using(alias).acount() == 0

    asyncio.run(main())
    assert len(opened) == 2


def test_an_idle_connection_may_be_kept_for_longer(threads, alias, opened, monkeypatch):
    """As CONN_MAX_AGE says."""
    monkeypatch.setattr(task_threads, "LONGEST_IDLE", 0.0)
    monkeypatch.setitem(connections.settings[alias], "CONN_MAX_AGE", None)

    async def main():
        for _ in range(3):
            async with threads.thread():
                await Author.objects.using(alias).acount()
            await asyncio.sleep(0.05)

    asyncio.run(main())
    assert len(opened) == 1


def test_a_task_that_outlives_the_call_does_not_share_its_thread(threads):
    """Its queries would run in the transaction of the next call."""

    async def main():
        go_on = asyncio.Event()

        async def later():
            await go_on.wait()
            return await current()

        async with threads.thread():
            first = await current()
            task = asyncio.create_task(later())
        async with threads.thread():
            assert await current() is first
            go_on.set()
            assert await task is not first

    asyncio.run(main())


def test_a_thread_that_is_still_busy_serves_nothing_else(threads):
    """A call was cancelled, but its function cannot be."""

    async def main():
        begun, end = threading.Event(), threading.Event()

        def work():
            begun.set()
            end.wait(30)

        async def call():
            async with threads.thread():
                await sync_to_async(work)()

        task = asyncio.create_task(call())
        await asyncio.to_thread(begun.wait, 30)
        task.cancel()
        await asyncio.sleep(0)
        async with threads.thread():
            await current()
        end.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_function_that_never_ends_does_not_keep_the_process(threads):
    """Its thread is a daemon."""

    async def main():
        async with threads.thread():
            assert (await current()).daemon

    asyncio.run(main())


def test_an_error_reaches_the_receiver(threads):
    """As in asgiref's own threads."""

    def fail():
        raise ZeroDivisionError

    async def main():
        async with threads.thread():
            with pytest.raises(ZeroDivisionError):
                await sync_to_async(fail)()
            return await current()

    assert asyncio.run(main()).name == "clarion-django"


def test_a_call_fails_if_the_system_has_no_more_threads(threads):
    """The next call starts a thread, instead of waiting for the one that has not started."""

    async def call():
        async with threads.thread():
            return (await current()).name

    async def main():
        with no_more_threads("clarion-django"), pytest.raises(RuntimeError, match="new thread"):
            await call()
        return await asyncio.wait_for(call(), 30)

    assert asyncio.run(main()) == "clarion-django"


UNUSED = """
import django
from django.conf import settings
settings.configure()
django.setup()
from clarion._core.thread_loop import complete
from clarion.integrations.django.outbox.task_threads import TASK_THREADS

async def use():
    async with TASK_THREADS.thread():
        pass

complete(use())
"""


def test_an_unused_thread_is_not_started_at_the_end():
    """A loop that is closed at the end of the interpreter starts no thread, which would fail there."""
    done = subprocess.run(
        [sys.executable, "-c", UNUSED], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
