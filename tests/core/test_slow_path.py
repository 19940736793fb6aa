"""The slow path: each pair of a sync or async send and receiver."""

import asyncio
from typing import Any

import pytest

from clarion._core.route import SYNC, Stage
from clarion.errors import RunningLoopError
from tests.core.receivers import (
    AsyncListener,
    Listener,
    answering,
    answering_async,
    answers,
    raising_async,
)


class TestPairs:
    """Sync and async sends call sync and async receivers."""

    def test_sync_and_async_receivers_answer_to_all(self, signal, send):
        """An object with an async `__call__` is awaited, as in Django if it is marked."""
        sync, asynchronous = Listener(), AsyncListener()
        signal.connect(asynchronous)
        signal.connect(sync)
        assert send(signal, value=1) == [(sync, 1), (asynchronous, 1)]

    def test_async_receivers_alone(self, signal, send):
        """Async receivers are called without sync ones too."""
        listener = Listener()
        signal.connect(listener.async_method)
        assert send(signal, value=1) == [(listener.async_method, 1)]

    def test_robust_sends_answer_with_errors(self, signal, robust_send):
        """The errors are responses in the order of the send, not of connection."""
        error = ValueError("no")
        failing, sync, asynchronous = raising_async(error), Listener(), AsyncListener()
        for receiver in (failing, asynchronous, sync):
            signal.connect(receiver)
        assert robust_send(signal, value=1) == [(sync, 1), (failing, error), (asynchronous, 1)]

    def test_an_async_receiver_may_await(self, signal, send):
        """An async receiver runs on a real event loop."""

        async def receiver(**kwargs):
            await asyncio.sleep(0)
            return asyncio.get_running_loop().is_running()

        signal.connect(receiver)
        assert answers(send(signal)) == [True]


class TestRunningLoop:
    """A sync send inside a running event loop."""

    @pytest.mark.parametrize("kind", ["send", "send_robust"])
    def test_it_is_refused_before_any_call(self, make, kind):
        """A send that would have to await is refused with the names and the cure."""
        signal = make(name="shop.paid")
        calls: list[object] = []
        listener = AsyncListener()
        signal.connect(lambda **kwargs: calls.append(1), priority=9)
        signal.connect(listener)
        signal.connect(Listener().async_method, weak=False, once=True)

        async def main():
            getattr(signal, kind)(None)

        with pytest.raises(RunningLoopError, match=r"shop\.paid.*await signal\.asend") as raised:
            asyncio.run(main())
        assert isinstance(raised.value, RuntimeError)
        one, two = raised.value.receivers
        assert "AsyncListener" in one
        assert "async_method" in two
        assert all(receiver in str(raised.value) for receiver in (one, two))
        assert calls == []
        assert len(answers(signal.send(None, value=1))) == 3

    def test_sync_receivers_alone_are_called(self, signal):
        """Sync receivers are called inside a running loop."""

        async def main():
            return answers(signal.send(None))

        signal.connect(answering("strong_receivers"))
        signal.connect(answering("once"), once=True)
        assert asyncio.run(main()) == ["strong_receivers", "once"]

    def test_receivers_of_other_senders_do_not_count(self, signal):
        """Only the receivers of this sender count."""

        async def main():
            return signal.send("phone")

        signal.connect(answering_async(1), sender="web")
        assert asyncio.run(main()) == []

    def test_dead_receivers_do_not_count(self, signal):
        """Receivers that have died since the route was built do not count."""
        listener = Listener()
        signal.connect(listener.async_method)
        signal.send(None)

        async def main(listeners):
            listeners.clear()
            return signal.send(None)

        listeners = [listener]
        del listener
        assert asyncio.run(main(listeners)) == []

    def test_an_async_receiver_may_send_to_sync_ones(self, signal, other):
        """Inside the loop of a sync send, another sync send to sync receivers works."""

        async def receiver(**kwargs):
            return answers(other.send(None))

        signal.connect(receiver)
        other.connect(answering("inner"))
        assert answers(signal.send(None)) == [["inner"]]

    def test_a_worker_thread_has_no_running_loop(self, signal, other):
        """A sync receiver of asend runs in a thread, so it may send to async receivers."""
        signal.connect(lambda **kwargs: answers(other.send(None)))
        other.connect(answering_async("inner"))
        assert answers(asyncio.run(signal.asend(None))) == [["inner"]]


class TestOnce:
    """once=True in concurrent sends."""

    def test_one_of_concurrent_asends_calls_it(self, signal, async_send):
        """Of concurrent asends, one calls the receiver."""

        async def slow(**kwargs):
            await asyncio.sleep(0)
            return "heard"

        async def main():
            return await asyncio.gather(*(async_send(signal) for _ in range(20)))

        signal.connect(slow, once=True)
        signal.connect(answering("sync"), once=True)
        heard = [response for responses in asyncio.run(main()) for response in answers(responses)]
        assert sorted(heard) == ["heard", "sync"]

    def test_a_refused_send_uses_no_call(self, signal):
        """A refused send does not use the only call of a receiver."""

        async def main():
            with pytest.raises(RunningLoopError):
                signal.send(None)

        signal.connect(answering("sync"), once=True)
        signal.connect(answering_async("async"), once=True)
        asyncio.run(main())
        assert answers(signal.send(None)) == ["sync", "async"]

    def test_a_running_once_receiver_needs_no_loop(self, signal):
        """A receiver whose only call is running does not make a send refuse."""

        async def receiver(**kwargs):
            return None

        async def main():
            (registration,) = signal._table.registrations()
            assert registration.claim()
            return signal.send(None)

        signal.connect(receiver, once=True)
        assert asyncio.run(main()) == []

    def test_a_receiver_reconnected_during_its_call_stays(self, signal):
        """A receiver that is reconnected during its only call stays connected."""
        receiver = answering(1)
        signal.connect(receiver, once=True)
        (registration,) = signal._table.registrations()
        claim = registration.claim

        class Interfering:
            """Replaces the registration during its claim, as another thread may."""

            def __getattr__(self, name):
                return getattr(registration, name)

            def claim(self):
                claimed = claim()
                signal.disconnect(receiver)
                signal.connect(receiver)
                return claimed

        interfering: Any = Interfering()
        signal._table.find_route(None)._stages = (Stage(SYNC, (interfering,)),)
        assert answers(signal.send(None)) == [1]
        assert answers(signal.send(None)) == [1]
        assert signal.disconnect(receiver)
