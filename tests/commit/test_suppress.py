"""suppressed(): no side effects here."""

import asyncio
import contextvars
import threading

import pytest

from clarion import on_commit
from clarion.commit import atomic, suppressed
from clarion.commit.suppress import active_suppression
from clarion.errors import RunningLoopError
from clarion.introspect import explain
from tests.commit.conftest import counts
from tests.commit.failing import BoomError

pytestmark = pytest.mark.usefixtures("_plain_python")


def test_nothing_is_scheduled(signal, heard):
    """Neither in a transaction nor outside; what is sent before and after is."""
    with atomic():
        signal.send(None, n=1)
        with suppressed("an import"):
            signal.send(None, n=2)
        signal.send(None, n=3)
    with suppressed("an import"):
        signal.send(None, n=4)
        with atomic():
            signal.send(None, n=5)
    assert heard == [1, 3]


def test_receivers_inside_the_send_are_called(signal, heard):
    """They are part of what is written."""
    heard.listen(signal, delivery=None, name="now")
    with suppressed("an import"):
        signal.send(None, n=1)
    assert heard == [("now", 1)]


def test_what_was_due_before_runs(signal, heard):
    """A commit inside is a commit."""
    block = atomic()
    block.__enter__()
    signal.send(None, n=1)
    with suppressed("an import"):
        block.__exit__(None, None, None)
    assert heard == [1]


def test_it_is_counted(signal, heard):
    """By the block, by receiver, and by the registration; the response says so."""
    take = heard.listen(signal, name="other")
    with suppressed("an import") as quiet:
        ((_, scheduled), _) = signal.send(None, n=1)
        signal.send(None, n=2)
        asyncio.run(signal.asend(None, n=3))
    assert scheduled.status == "suppressed"
    assert quiet.count == 6
    assert quiet.counts == {f"{take.__module__}.{take.__qualname__}": 6}
    assert counts(signal) == {"scheduled": 3, "suppressed": 3}


def test_nested_ones_count_for_the_innermost(signal, heard):
    """Whose reason explain tells."""
    with suppressed("an import") as outer:
        with suppressed("a fixture") as inner:
            signal.send(None, n=1)
            assert "runs suppressed here: a fixture" in str(explain(signal))
        signal.send(None, n=2)
        assert "runs suppressed here: an import" in str(explain(signal))
    assert (outer.count, inner.count) == (1, 1)
    assert "suppressed" not in str(explain(signal))
    assert heard == []


def test_one_may_be_entered_twice(signal, heard):
    """It is over when it was left as often."""
    quiet = suppressed("an import")
    with quiet:
        with quiet:
            signal.send(None, n=1)
        signal.send(None, n=2)
    signal.send(None, n=3)
    assert heard == [3]
    assert quiet.count == 2


def test_an_exception_ends_it(signal, heard):
    """As any block."""
    with pytest.raises(BoomError), suppressed("an import"):
        raise BoomError
    signal.send(None, n=1)
    assert heard == [1]


def test_tasks_and_threads_of_the_block_are_in_it(signal, heard):
    """As long as it lasts; those beside it are not, and those that outlive it no more."""

    async def outlive(over):
        signal.send(None, n=1)
        await over.wait()
        signal.send(None, n=2)

    async def beside(begun, over):
        await begun.wait()
        signal.send(None, n=3)
        over.set()

    async def main():
        begun, sent, over = asyncio.Event(), asyncio.Event(), asyncio.Event()
        other = asyncio.create_task(beside(begun, sent))
        with suppressed("an import") as quiet:
            task = asyncio.create_task(outlive(over))
            await asyncio.to_thread(signal.send, None, n=4)
            begun.set()
            await sent.wait()
        over.set()
        await task
        await other
        return quiet.count

    assert asyncio.run(main()) == 2
    assert heard == [3, 2]


def test_another_thread_is_not_in_it(signal, heard):
    """It has a context of its own."""
    with suppressed("an import"):
        thread = threading.Thread(target=contextvars.Context().run, args=(signal.send, None))
        thread.start()
        thread.join()
    assert heard == [None]


def test_a_fixture_that_ends_in_another_context(signal, heard):
    """Nobody is left suppressed."""
    one, other = contextvars.Context(), contextvars.Context()
    quiet = suppressed("a fixture")
    one.run(quiet.__enter__)
    other.run(quiet.__exit__, None, None, None)
    one.run(signal.send, None, n=1)
    assert heard == [1]
    assert one.run(active_suppression) is None


def test_async_receivers_are_no_reason_to_refuse(signal, heard):
    """Nobody will have to await them."""
    heard.listen_async(signal)

    async def main():
        with atomic():
            with pytest.raises(RunningLoopError):
                signal.send(None, n=1)
            with suppressed("an import"):
                signal.send(None, n=1)
                await signal.asend(None, n=1)

    asyncio.run(main())
    assert heard == []


def test_once_is_not_spent(signal, heard):
    """The call is still to be had."""
    heard.listen(signal, once=True, name="once")
    with suppressed("an import"):
        signal.send(None, n=1)
    signal.send(None, n=2)
    assert heard == [2, ("once", 2)]


def test_coalesced_ones_too(signal, heard):
    """What was suppressed is not merged into what was not."""
    calls = []
    signal.connect(
        lambda sends, **kwargs: calls.append([each["n"] for each in sends]),
        delivery=on_commit(coalesce="key"),
    )
    with atomic():
        signal.send(None, n=1, key=1)
        with suppressed("an import"):
            signal.send(None, n=2, key=1)
        signal.send(None, n=3, key=1)
    assert calls == [[1, 3]]
