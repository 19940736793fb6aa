"""Receivers that connect and disconnect during a send, and `once`."""

import asyncio
import gc

import pytest

from tests.core.receivers import (
    Listener,
    Sender,
    answering,
    answering_async,
    answers,
    raising,
    raising_async,
)


class TestDuringASend:
    """A send calls the receivers that were connected when it began."""

    @pytest.fixture(params=["fast path", "slow path"])
    def path(self, request, signal):
        """Select the fast path, or the slow path with an async receiver."""
        if request.param == "slow path":
            signal.connect(answering("once"), priority=-100, once=True)
        return request.param

    def received(self, responses):
        """Return the responses without that of the receiver that selects the slow path."""
        return [response for response in answers(responses) if response != "once"]

    def test_a_receiver_connected_during_a_send_gets_the_next(self, signal, send, path):
        """A receiver that is connected during a send is called by the next send."""
        late = answering("late")

        def connecting(**kwargs):
            signal.connect(late)
            return "early"

        signal.connect(connecting)
        assert self.received(send(signal)) == ["early"]
        assert self.received(send(signal)) == ["early", "late"]

    def test_a_receiver_disconnected_during_a_send_gets_it(self, signal, send, path):
        """A receiver that is disconnected during a send is still called by it."""
        last = answering("last")

        def disconnecting(**kwargs):
            assert signal.disconnect(disconnecting)
            assert signal.disconnect(last)
            return "first"

        signal.connect(disconnecting)
        signal.connect(last)
        assert self.received(send(signal)) == ["first", "last"]
        assert self.received(send(signal)) == []

    def test_a_receiver_released_during_a_send_gets_it(self, signal, send, path):
        """A weakly held receiver lives until the end of a send that has found it alive."""
        listeners = [Listener()]

        def killing(**kwargs):
            listeners.clear()
            gc.collect()
            return "killing"

        signal.connect(killing)
        signal.connect(listeners[0].method)
        assert self.received(send(signal, value="dying")) == ["killing", "dying"]
        assert self.received(send(signal, value="dying")) == ["killing"]

    def test_an_async_receiver_released_during_a_send_gets_it(self, signal, send):
        """A weakly held async receiver lives until the end of the send too."""
        listeners = [Listener()]

        def killing(**kwargs):
            listeners.clear()
            gc.collect()
            return "killing"

        signal.connect(killing)
        signal.connect(listeners[0].async_method)
        assert answers(send(signal, value="dying")) == ["killing", "dying"]
        assert answers(send(signal, value="dying")) == ["killing"]

    def test_another_sender_may_die_during_a_send(self, signal, send, path):
        """Another sender may die during a send, and its receivers are removed."""
        senders = [Sender()]
        signal.connect(answering("of the dead"), sender=senders[0])

        def killing(**kwargs):
            senders.clear()
            gc.collect()
            return "killing"

        signal.connect(killing)
        assert self.received(send(signal)) == ["killing"]
        assert not signal._table.buckets

    def test_sends_nest(self, signal, send, path):
        """A receiver may send the same signal; each send has its own responses."""

        def nesting(sender, depth, **kwargs):
            if depth == 3:
                return [depth]
            return [depth, *self.received(signal.send(sender, depth=depth + 1))[0]]

        signal.connect(nesting)
        assert self.received(send(signal, depth=0)) == [[0, 1, 2, 3]]

    def test_a_nested_send_calls_new_receivers(self, signal):
        """A nested send calls the receivers that are connected when it begins."""
        late = answering("late")

        def connecting(sender, nested=False, **kwargs):
            if nested:
                return "nested"
            signal.connect(late)
            return answers(signal.send(sender, nested=True))

        signal.connect(connecting)
        assert answers(signal.send(None)) == [["nested", "late"]]

    def test_asends_nest(self, signal):
        """Async receivers may await the same signal."""

        async def nesting(sender, depth, **kwargs):
            if depth == 3:
                return [depth]
            return [depth, *answers(await signal.asend(sender, depth=depth + 1))[0]]

        signal.connect(nesting)
        assert answers(asyncio.run(signal.asend(None, depth=0))) == [[0, 1, 2, 3]]


class TestOnce:
    """once=True: the first call disconnects the receiver."""

    @pytest.mark.parametrize("receiver", [answering(1), answering_async(1)], ids=["sync", "async"])
    def test_it_is_called_once(self, signal, send, receiver):
        """A receiver is called by one send, and cannot be disconnected afterwards."""
        signal.connect(receiver, once=True)
        assert answers(send(signal)) == [1]
        assert send(signal) == []
        assert not signal.disconnect(receiver)
        assert not signal.has_listeners()

    def test_it_can_be_connected_again(self, signal, send):
        """Each connect allows one call."""
        receiver = answering(1)
        for _ in range(2):
            signal.connect(receiver, once=True)
            assert answers(send(signal)) == [1]
        assert send(signal) == []

    def test_a_failed_call_is_the_only_call(self, signal, strict_send, robust_send):
        """A call that raises is the only call too."""
        signal.connect(raising(ValueError("once")), once=True)
        with pytest.raises(ValueError, match="once"):
            strict_send(signal)
        assert strict_send(signal) == []
        signal.connect(raising_async(ValueError("once")), once=True)
        assert len(robust_send(signal)) == 1
        assert robust_send(signal) == []

    def test_a_skipped_receiver_keeps_its_call(self, signal, strict_send):
        """A receiver that is skipped after an error is called by the next send."""
        failing = raising(ValueError("before"))
        signal.connect(failing)
        signal.connect(answering("sync"), once=True)
        signal.connect(answering_async("async"), once=True)
        with pytest.raises(ValueError, match="before"):
            strict_send(signal)
        signal.disconnect(failing)
        assert answers(strict_send(signal)) == ["sync", "async"]
        assert strict_send(signal) == []

    def test_it_is_disconnected_during_its_call(self, signal, send):
        """During its only call a receiver may send the signal and connect itself again."""
        calls: list[int] = []

        def receiver(sender, **kwargs):
            calls.append(len(signal.send(sender)))
            if len(calls) == 1:
                signal.connect(receiver, once=True)

        signal.connect(receiver, once=True)
        for _ in range(3):
            send(signal)
        assert calls == [0, 0]

    def test_it_is_called_once_per_sender(self, signal, send):
        """A receiver of two senders is called once for each."""
        receiver = answering(1)
        signal.connect(receiver, sender="web", once=True)
        signal.connect(receiver, sender="phone", once=True)
        assert [len(send(signal, sender)) for sender in ("web", "phone", "web")] == [1, 1, 0]

    def test_it_may_be_held_weakly(self, signal, send):
        """A weakly held receiver that dies before its only call is not called."""
        listener = Listener()
        signal.connect(listener.method, once=True)
        del listener
        gc.collect()
        assert send(signal) == []
        assert signal._table.registrations() == []
