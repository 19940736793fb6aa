"""suppressed(): no calls after the commit."""

import asyncio
import contextvars
import threading
from typing import Any

import pytest

from clarion import on_commit
from clarion.commit import atomic, suppressed
from clarion.commit.suppress import active_suppression
from clarion.errors import ArgumentError, RunningLoopError
from clarion.introspect import explain
from tests.commit.conftest import counts
from tests.commit.failing import BoomError

pytestmark = pytest.mark.usefixtures("_plain_python")


def test_nothing_is_scheduled(signal, calls):
    """Nothing sent in the block is scheduled, in a transaction or not."""
    with atomic():
        signal.send(None, n=1)
        with suppressed("an import"):
            signal.send(None, n=2)
        signal.send(None, n=3)
    with suppressed("an import"):
        signal.send(None, n=4)
        with atomic():
            signal.send(None, n=5)
    assert calls == [1, 3]


def test_receivers_inside_the_send_are_called(signal, calls):
    """Receivers inside the send are called, because they are part of the write."""
    calls.listen(signal, delivery=None, name="now")
    with suppressed("an import"):
        signal.send(None, n=1)
    assert calls == [("now", 1)]


def test_earlier_calls_run(signal, calls):
    """A commit inside the block runs the calls of earlier sends."""
    block = atomic()
    block.__enter__()
    signal.send(None, n=1)
    with suppressed("an import"):
        block.__exit__(None, None, None)
    assert calls == [1]


def test_suppressed_calls_are_counted(signal, calls):
    """The block and the receiver count suppressed calls, and the status shows it."""
    take = calls.listen(signal, name="other")
    with suppressed("an import") as quiet:
        ((_, scheduled), _) = signal.send(None, n=1)
        signal.send(None, n=2)
        asyncio.run(signal.asend(None, n=3))
    assert scheduled.status == "suppressed"
    assert quiet.count == 6
    assert quiet.counts == {f"{take.__module__}.{take.__qualname__}": 6}
    assert counts(signal) == {"scheduled": 3, "suppressed": 3}


def test_innermost_block_counts(signal, calls):
    """The innermost block decides, and explain shows its reason."""
    with suppressed("an import") as outer:
        with suppressed("a fixture") as inner:
            signal.send(None, n=1)
            assert "runs suppressed here: a fixture" in str(explain(signal))
        signal.send(None, n=2)
        assert "runs suppressed here: an import" in str(explain(signal))
    assert (outer.count, inner.count) == (1, 1)
    assert "suppressed" not in str(explain(signal))
    assert calls == []


def test_block_can_be_entered_twice(signal, calls):
    """A block that is entered twice ends when it is left twice."""
    quiet = suppressed("an import")
    with quiet:
        with quiet:
            signal.send(None, n=1)
        signal.send(None, n=2)
    signal.send(None, n=3)
    assert calls == [3]
    assert quiet.count == 2


def test_exception_ends_the_block(signal, calls):
    """An exception ends the suppression and is raised."""
    with pytest.raises(BoomError), suppressed("an import"):
        raise BoomError
    signal.send(None, n=1)
    assert calls == [1]


def test_tasks_and_threads_of_the_block(signal, calls):
    """Tasks and threads of the block are suppressed until it ends; others are not."""

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
    assert calls == [3, 2]


def test_other_threads_are_not_suppressed(signal, calls):
    """Other threads have a context of their own, and are not suppressed."""
    with suppressed("an import"):
        thread = threading.Thread(target=contextvars.Context().run, args=(signal.send, None))
        thread.start()
        thread.join()
    assert calls == [None]


def test_fixture_that_ends_in_another_context(signal, calls):
    """The end of the block in another context leaves no context suppressed."""
    one, other = contextvars.Context(), contextvars.Context()
    quiet = suppressed("a fixture")
    one.run(quiet.__enter__)
    with pytest.warns(RuntimeWarning, match="so it suppressed nothing there") as caught:
        other.run(quiet.__exit__, None, None, None)
    assert [each.filename for each in caught] == [__file__]
    one.run(signal.send, None, n=1)
    assert calls == [1]
    assert one.run(active_suppression) is None


def test_async_receivers_are_not_refused(signal, calls):
    """A suppressed receiver is never awaited, so the send is accepted."""
    calls.listen_async(signal)

    async def main():
        with atomic():
            with pytest.raises(RunningLoopError):
                signal.send(None, n=1)
            with suppressed("an import"):
                signal.send(None, n=1)
                await signal.asend(None, n=1)

    asyncio.run(main())
    assert calls == []


def test_once_is_not_used_up(signal, calls):
    """A suppressed call does not use up the only call of a receiver."""
    calls.listen(signal, once=True, name="once")
    with suppressed("an import"):
        signal.send(None, n=1)
    signal.send(None, n=2)
    assert calls == [2, ("once", 2)]


def test_suppressed_calls_are_not_merged(signal, calls):
    """Merged calls contain no suppressed sends."""
    merged = []
    signal.connect(
        lambda sends, **kwargs: merged.append([each["n"] for each in sends]),
        delivery=on_commit(coalesce="key"),
    )
    with atomic():
        signal.send(None, n=1, key=1)
        with suppressed("an import"):
            signal.send(None, n=2, key=1)
        signal.send(None, n=3, key=1)
    assert merged == [[1, 3]]


@pytest.mark.parametrize("given", [None, 5, b"an import", on_commit, len], ids=type)
def test_a_reason_is_text(given):
    """Another object than text is refused, such as a signal or a function to decorate."""
    with pytest.raises(ArgumentError, match=r"suppresses the receivers of all signals") as raised:
        suppressed(given)
    assert raised.value.names == ("reason",)


def test_the_end_of_one_of_many_entries(signal, calls):
    """It takes time for the entries once, not for each pair of them."""

    class Counted(tuple[Any, ...]):
        __slots__ = ()

        def __contains__(self, entry):
            asked.append(entry)
            return super().__contains__(entry)

    class Watched(suppressed):
        def choose(self, entries):
            return super().choose(Counted(entries))

    quiet, asked = Watched("an import"), []  # type: ignore[var-annotated]
    for _ in range(100):
        quiet.__enter__()
    quiet.__exit__(None, None, None)
    assert len(asked) == 1
    for _ in range(99):
        quiet.__exit__(None, None, None)
    signal.send(None, n=1)
    assert calls == [1]
