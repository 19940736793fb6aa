"""`connected(..., context=True)`: only sends of one context reach the receiver."""

import asyncio
from contextvars import copy_context

import pytest

from tests.core.receivers import answers, in_thread


def first(sender, **kwargs):
    return "first"


def second(sender, **kwargs):
    return "second"


async def awaited(sender, **kwargs):
    return "awaited"


class TestContext:
    """`context=True`: only sends of the context that has entered the block."""

    def test_another_thread_does_not_reach_it(self, signal, send):
        """Neither a send nor `has_listeners` of another thread finds the receiver."""
        with signal.connected(first, context=True):
            assert answers(send(signal, None)) == ["first"]
            assert signal.has_listeners()
            assert in_thread(lambda: send(signal, None)) == []
            assert not in_thread(signal.has_listeners)
        assert not signal.has_listeners()

    def test_another_task_does_not_reach_it(self, signal):
        """A send of another task does not find it, unless the block started that task."""

        async def main():
            entered, sent = asyncio.Event(), asyncio.Event()

            async def listening():
                with signal.connected(first, context=True):
                    entered.set()
                    await sent.wait()
                    inside = asyncio.create_task(signal.asend(None))
                    threaded = asyncio.to_thread(signal.send, None)
                    return answers(await inside), answers(await threaded), copy_context()

            task = asyncio.create_task(listening())
            await entered.wait()
            assert await signal.asend(None) == []
            assert signal.send(None) == []
            sent.set()
            heard, heard_in_thread, context = await task
            assert heard == heard_in_thread == ["first"]
            assert context.run(signal.send, None) == []

        asyncio.run(main())

    def test_the_worker_thread_of_asend_has_the_context(self, signal, other):
        """A sync receiver of `asend` has the context, so its sends find the receiver."""
        other.connect(lambda **_: answers(signal.send(None)))

        async def main():
            with signal.connected(first, context=True):
                return answers(await other.asend(None))

        assert asyncio.run(main()) == [["first"]]

    def test_two_tasks_get_their_own_sends(self, signal):
        """Two tasks with the same receiver get only the sends of their own context."""

        async def request(name):
            heard = []

            def receive(number, **kwargs):
                heard.append((name, number))

            with signal.connected(receive, context=True), signal.connected(first, context=True):
                for number in range(3):
                    await signal.asend(None, number=number)
                    assert answers(signal.send(None, number=9))[1:] == ["first"]
                    await asyncio.sleep(0)
            return heard[::2]

        async def main():
            return await asyncio.gather(request("a"), request("b"))

        assert asyncio.run(main()) == [[(name, number) for number in range(3)] for name in "ab"]

    def test_it_is_called_once(self, signal):
        """A receiver that is connected for every context, too, or twice, is called once."""
        with signal.connected(first, context=True):
            with signal.connected(first, context=True):
                assert answers(signal.send(None)) == ["first"]
            assert answers(signal.send(None)) == ["first"]
            with signal.connected(first):
                assert answers(signal.send(None)) == ["first"]
                assert answers(in_thread(lambda: signal.send(None))) == ["first"]
            assert answers(signal.send(None)) == ["first"]
            signal.connect(first)
            assert answers(signal.send(None)) == ["first"]
        assert answers(signal.send(None)) == ["first"]

    def test_it_replaces_in_this_context_only(self, signal):
        """replace=True affects this context only; other threads call the first receiver."""
        signal.connect(first, dispatch_uid="mail")
        with signal.connected(second, dispatch_uid="mail", replace=True, context=True):
            assert answers(signal.send(None)) == ["second"]
            assert answers(in_thread(lambda: signal.send(None))) == ["first"]
        assert answers(signal.send(None)) == ["first"]

    def test_another_context_does_not_disconnect_it(self, signal):
        """`disconnect` finds only what a send of the same context calls."""
        with signal.connected(first, context=True):
            assert not in_thread(lambda: signal.disconnect(first))
            assert answers(signal.send(None)) == ["first"]
            assert signal.disconnect(first)
            assert not signal.has_listeners()

    def test_a_block_may_end_in_another_context(self, signal):
        """A block may end in another context, as in a fixture of pytest-asyncio."""
        block = signal.connected(first, context=True)
        block.__enter__()
        with pytest.warns(RuntimeWarning, match="did not call its receiver") as caught:
            in_thread(lambda: block.__exit__(None, None, None))
        assert [each.filename for each in caught] == [__file__]
        assert not signal.has_listeners()

    def test_order_and_stages_are_as_usual(self, signal, send):
        """The order stays priority, then sync before async, then order of connection."""
        signal.connect(awaited)
        with (
            signal.connected(second, context=True),
            signal.connected(first, context=True, priority=1),
        ):
            assert answers(send(signal, None)) == ["first", "second", "awaited"]
            assert answers(in_thread(lambda: send(signal, None))) == ["awaited"]

    def test_signals_without_it_keep_their_fast_path(self, signal, other):
        """A block for all contexts, or of another signal, keeps the fast path."""
        from clarion._core.tabled import table_of

        other.connect(first)
        with signal.connected(first, context=True), other.connected(second):
            assert table_of(other).find_route(None).strong_receivers == (first, second)
            assert table_of(signal).find_route(None).strong_receivers is None
        signal.connect(first)
        assert table_of(signal).find_route(None).strong_receivers == (first,)
