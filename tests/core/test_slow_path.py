"""The slow path: each pair of a sync or async send and receiver."""

import asyncio
from contextvars import ContextVar
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

variable: ContextVar[int] = ContextVar("variable", default=0)


@pytest.fixture(autouse=True)
def _fresh_variable():
    token = variable.set(0)
    yield
    variable.reset(token)


class TestPairs:
    """Every pair of sender and receiver works."""

    def test_sync_and_async_receivers_answer_to_all(self, signal, send):
        """An object whose call is async is awaited, as Django does if it is marked."""
        sync, asynchronous = Listener(), AsyncListener()
        signal.connect(asynchronous)
        signal.connect(sync)
        assert send(signal, value=1) == [(sync, 1), (asynchronous, 1)]

    def test_async_receivers_alone(self, signal, send):
        """Without any sync receiver too."""
        listener = Listener()
        signal.connect(listener.async_method)
        assert send(signal, value=1) == [(listener.async_method, 1)]

    def test_robust_sends_answer_with_errors(self, signal, robust_send):
        """In the order of a send, not of connection."""
        error = ValueError("no")
        failing, sync, asynchronous = raising_async(error), Listener(), AsyncListener()
        for receiver in (failing, asynchronous, sync):
            signal.connect(receiver)
        assert robust_send(signal, value=1) == [(sync, 1), (failing, error), (asynchronous, 1)]

    def test_an_async_receiver_may_await(self, signal, send):
        """It runs on a real event loop."""

        async def receiver(**kwargs):
            await asyncio.sleep(0)
            return asyncio.get_running_loop().is_running()

        signal.connect(receiver)
        assert answers(send(signal)) == [True]


class TestRunningLoop:
    """A send inside a running loop cannot await."""

    @pytest.mark.parametrize("kind", ["send", "send_robust"])
    def test_it_is_refused_before_anybody_is_called(self, make, kind):
        """The error names the signal and the receivers, and says what to use."""
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
        """A running loop is no reason to refuse what needs none."""

        async def main():
            return answers(signal.send(None))

        signal.connect(answering("strong_receivers"))
        signal.connect(answering("once"), once=True)
        assert asyncio.run(main()) == ["strong_receivers", "once"]

    def test_receivers_of_other_senders_do_not_matter(self, signal):
        """Only those who would be called are counted."""

        async def main():
            return signal.send("phone")

        signal.connect(answering_async(1), sender="web")
        assert asyncio.run(main()) == []

    def test_those_who_have_died_do_not_matter(self, signal):
        """Nor those who died since the route was built."""
        listener = Listener()
        signal.connect(listener.async_method)
        signal.send(None)

        async def main(listeners):
            listeners.clear()
            return signal.send(None)

        listeners = [listener]
        del listener
        assert asyncio.run(main(listeners)) == []

    def test_an_async_receiver_may_send_what_is_sync(self, signal, other):
        """Inside the loop that a sync send runs, another sync send works."""

        async def receiver(**kwargs):
            return answers(other.send(None))

        signal.connect(receiver)
        other.connect(answering("inner"))
        assert answers(signal.send(None)) == [["inner"]]

    def test_a_worker_thread_has_no_running_loop(self, signal, other):
        """A sync receiver of asend may send to async receivers."""
        signal.connect(lambda **kwargs: answers(other.send(None)))
        other.connect(answering_async("inner"))
        assert answers(asyncio.run(signal.asend(None))) == [["inner"]]


class TestOnce:
    """once=True where several sends go on at a time."""

    def test_of_concurrent_asends_one_is_heard(self, signal, async_send):
        """However many tasks send at once, it is called once."""

        async def slow(**kwargs):
            await asyncio.sleep(0)
            return "heard"

        async def main():
            return await asyncio.gather(*(async_send(signal) for _ in range(20)))

        signal.connect(slow, once=True)
        signal.connect(answering("sync"), once=True)
        heard = [response for responses in asyncio.run(main()) for response in answers(responses)]
        assert sorted(heard) == ["heard", "sync"]

    def test_of_a_refused_send_none_is_spent(self, signal):
        """A send that raises before it calls anybody takes nobody's only call."""

        async def main():
            with pytest.raises(RunningLoopError):
                signal.send(None)

        signal.connect(answering("sync"), once=True)
        signal.connect(answering_async("async"), once=True)
        asyncio.run(main())
        assert answers(signal.send(None)) == ["sync", "async"]

    def test_who_has_just_been_called_needs_no_loop(self, signal):
        """A send that comes between the call and the leave of another is not refused."""

        async def receiver(**kwargs):
            return None

        async def main():
            (registration,) = signal._table.registrations()
            assert registration.claim()
            return signal.send(None)

        signal.connect(receiver, once=True)
        assert asyncio.run(main()) == []

    def test_who_connects_again_while_being_called_is_not_taken_out(self, signal):
        """The registration that leaves is the one that was called, not its successor."""
        receiver = answering(1)
        signal.connect(receiver, once=True)
        (registration,) = signal._table.registrations()
        claim = registration.claim

        class Interfering:
            """Stands for another thread that is quicker."""

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
