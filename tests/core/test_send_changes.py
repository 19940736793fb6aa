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
    """A send hears the receivers as they were when it began."""

    @pytest.fixture(params=["strong_receivers", "longer road"])
    def road(self, request, signal):
        """Have the signal take the direct road, or the longer one."""
        if request.param == "longer road":
            signal.connect(answering("once"), priority=-100, once=True)
        return request.param

    def heard(self, responses):
        """Return the answers but that of the receiver that makes the road longer."""
        return [response for response in answers(responses) if response != "once"]

    def test_who_is_connected_amid_a_send_hears_the_next(self, signal, send, road):
        """A receiver may connect another one."""
        late = answering("late")

        def connecting(**kwargs):
            signal.connect(late)
            return "early"

        signal.connect(connecting)
        assert self.heard(send(signal)) == ["early"]
        assert self.heard(send(signal)) == ["early", "late"]

    def test_who_is_disconnected_amid_a_send_still_hears_it(self, signal, send, road):
        """A receiver may disconnect itself and others."""
        last = answering("last")

        def disconnecting(**kwargs):
            assert signal.disconnect(disconnecting)
            assert signal.disconnect(last)
            return "first"

        signal.connect(disconnecting)
        signal.connect(last)
        assert self.heard(send(signal)) == ["first", "last"]
        assert self.heard(send(signal)) == []

    def test_who_loses_its_last_friend_amid_a_send_still_hears_it(self, signal, send, road):
        """A weakly held receiver lives until the send that found it alive has ended."""
        listeners = [Listener()]

        def killing(**kwargs):
            listeners.clear()
            gc.collect()
            return "killing"

        signal.connect(killing)
        signal.connect(listeners[0].method)
        assert self.heard(send(signal, value="dying")) == ["killing", "dying"]
        assert self.heard(send(signal, value="dying")) == ["killing"]

    def test_an_async_receiver_too(self, signal, send):
        """Being awaited makes no difference."""
        listeners = [Listener()]

        def killing(**kwargs):
            listeners.clear()
            gc.collect()
            return "killing"

        signal.connect(killing)
        signal.connect(listeners[0].async_method)
        assert answers(send(signal, value="dying")) == ["killing", "dying"]
        assert answers(send(signal, value="dying")) == ["killing"]

    def test_a_sender_may_die_amid_a_send_of_another(self, signal, send, road):
        """Its receivers go; those who are called now are not concerned."""
        senders = [Sender()]
        signal.connect(answering("of the dead"), sender=senders[0])

        def killing(**kwargs):
            senders.clear()
            gc.collect()
            return "killing"

        signal.connect(killing)
        assert self.heard(send(signal)) == ["killing"]
        assert not signal._table.buckets

    def test_sends_nest(self, signal, send, road):
        """A receiver may send the same signal; each send has its own answers."""

        def nesting(sender, depth, **kwargs):
            if depth == 3:
                return [depth]
            return [depth, *self.heard(signal.send(sender, depth=depth + 1))[0]]

        signal.connect(nesting)
        assert self.heard(send(signal, depth=0)) == [[0, 1, 2, 3]]

    def test_a_nested_send_sees_what_was_connected_before_it(self, signal):
        """Each send sees the receivers as they are when it begins."""
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
    """once=True: the receiver is disconnected when it is first called."""

    @pytest.mark.parametrize("receiver", [answering(1), answering_async(1)], ids=["sync", "async"])
    def test_it_hears_one_send(self, signal, send, receiver):
        """And no other, nor can it be disconnected any more."""
        signal.connect(receiver, once=True)
        assert answers(send(signal)) == [1]
        assert send(signal) == []
        assert not signal.disconnect(receiver)
        assert not signal.has_listeners()

    def test_it_can_be_connected_again(self, signal, send):
        """Each connect is good for one call."""
        receiver = answering(1)
        for _ in range(2):
            signal.connect(receiver, once=True)
            assert answers(send(signal)) == [1]
        assert send(signal) == []

    def test_it_is_spent_also_if_it_raises(self, signal, strict_send, robust_send):
        """The call counts, not its success."""
        signal.connect(raising(ValueError("once")), once=True)
        with pytest.raises(ValueError, match="once"):
            strict_send(signal)
        assert strict_send(signal) == []
        signal.connect(raising_async(ValueError("once")), once=True)
        assert len(robust_send(signal)) == 1
        assert robust_send(signal) == []

    def test_it_is_not_spent_if_it_is_not_called(self, signal, strict_send):
        """A receiver that an error came before hears the next send."""
        failing = raising(ValueError("before"))
        signal.connect(failing)
        signal.connect(answering("sync"), once=True)
        signal.connect(answering_async("async"), once=True)
        with pytest.raises(ValueError, match="before"):
            strict_send(signal)
        signal.disconnect(failing)
        assert answers(strict_send(signal)) == ["sync", "async"]
        assert strict_send(signal) == []

    def test_it_is_gone_when_it_is_called(self, signal, send):
        """It may send the same signal without hearing itself, and connect itself again."""
        calls: list[int] = []

        def receiver(sender, **kwargs):
            calls.append(len(signal.send(sender)))
            if len(calls) == 1:
                signal.connect(receiver, once=True)

        signal.connect(receiver, once=True)
        for _ in range(3):
            send(signal)
        assert calls == [0, 0]

    def test_it_is_spent_per_sender(self, signal, send):
        """Connected for two senders it hears one send of each."""
        receiver = answering(1)
        signal.connect(receiver, sender="web", once=True)
        signal.connect(receiver, sender="phone", once=True)
        assert [len(send(signal, sender)) for sender in ("web", "phone", "web")] == [1, 1, 0]

    def test_it_may_be_held_weakly(self, signal, send):
        """A receiver that dies before its call is not called."""
        listener = Listener()
        signal.connect(listener.method, once=True)
        del listener
        gc.collect()
        assert send(signal) == []
        assert signal._table.registrations() == []
