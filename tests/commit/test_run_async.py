"""Running async receivers after a commit."""

import asyncio
import threading

import pytest

from clarion import on_commit
from clarion._core import loops
from clarion.commit import atomic
from clarion.errors import NoLoopError, RunningLoopError
from tests.commit.conftest import counts

pytestmark = pytest.mark.usefixtures("_plain_python")


class TestAsync:
    """Async receivers."""

    def test_without_an_event_loop(self, signal, calls):
        """Async receivers run on the thread's event loop, as under send()."""
        calls.listen_async(signal, name="async")
        with atomic():
            responses = signal.send(None, n=1)
            assert calls == []
        assert calls == [1, ("async", 1)]
        assert [scheduled.status for _, scheduled in responses] == ["ran", "ran"]

    def test_plain_with_inside_an_event_loop_is_refused(self, signal, calls):
        """Under a plain `with` in an event loop the send is refused before any call."""
        calls.listen(signal, delivery=None, name="now")
        calls.listen_async(signal, name="async")
        message = (
            r"listen_async.*of signal shop.paid cannot be awaited after the commit of an atomic"
        )

        async def main():
            with atomic():
                for send in (signal.send, signal.send_robust):
                    with pytest.raises(RunningLoopError, match=message):
                        send(None, n=1)
                for asend in (signal.asend, signal.asend_robust):
                    with pytest.raises(RunningLoopError, match=message):
                        await asend(None, n=1)
            assert calls == []

        asyncio.run(main())

    def test_send_without_a_transaction_inside_an_event_loop_is_refused(self, signal, calls):
        """send to an async receiver is refused, and asend is accepted."""
        calls.listen_async(signal, name="async")

        async def main():
            with pytest.raises(RunningLoopError, match=r"Use `await signal.asend"):
                signal.send(None, n=1)
            assert calls == []
            await signal.asend(None, n=1)
            assert calls == [1, ("async", 1)]

        asyncio.run(main())

    def test_send_under_async_with(self, signal, calls):
        """The end of an async block awaits the receiver."""
        calls.listen_async(signal, name="async")

        async def main():
            async with atomic():
                signal.send(None, n=1)
                with atomic():
                    signal.send(None, n=2)
                assert calls == []
            assert calls == [1, ("async", 1), 2, ("async", 2)]

        asyncio.run(main())

    def test_thread_of_a_plain_block_inside_an_event_loop(self, signal, calls, log):
        """A send in a thread does not see the event loop, so the call fails after the commit."""
        calls.listen_async(signal, name="async")

        async def main():
            with atomic():
                await asyncio.to_thread(signal.send, None, n=1)

        asyncio.run(main())
        assert calls == [1]
        assert "failed after the commit" in log[0]
        assert counts(signal, 1) == {"scheduled": 1, "failed": 1}

    def test_sync_receivers_run_in_a_thread(self, signal):
        """Sync receivers run in a thread, and inline ones do not."""
        where = []
        signal.connect(lambda **kwargs: where.append(threading.get_ident()), delivery=on_commit)
        signal.connect(
            lambda **kwargs: where.append(threading.get_ident()), delivery=on_commit, inline=True
        )

        async def main():
            async with atomic():
                await signal.asend(None)

        asyncio.run(main())
        assert where[0] != threading.get_ident()
        assert where[1] == threading.get_ident()

    def test_without_a_worker_thread(self, signal, calls, monkeypatch):
        """Without a worker thread a sync receiver fails; the others run."""

        async def run_in_thread(function):
            raise NoLoopError("no loop")

        monkeypatch.setattr(loops, "run_in_thread", run_in_thread)
        calls.listen_async(signal, name="async")

        async def main():
            async with atomic():
                return await signal.asend(None, n=1)

        responses = asyncio.run(main())
        assert [scheduled.status for _, scheduled in responses] == ["failed", "ran"]

    def test_receivers_run_one_after_the_other(self, signal, calls):
        """Each receiver begins when the one before it has ended."""
        order = []

        def make(name):
            async def take(**kwargs):
                order.append(f"{name} begins")
                await asyncio.sleep(0)
                order.append(f"{name} ends")

            return take

        for name in "ab":
            signal.connect(make(name), delivery=on_commit)

        async def main():
            async with atomic():
                await signal.asend(None)

        asyncio.run(main())
        assert order == ["a begins", "a ends", "b begins", "b ends"]
