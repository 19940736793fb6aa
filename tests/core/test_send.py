"""The four sends: order and arguments."""

import functools

import pytest

from tests.core.receivers import (
    Listener,
    Sender,
    answering,
    answering_async,
    answers,
    echo,
)


class TestOrder:
    """Higher priority first, then sync before async, then order of connection."""

    def test_order_of_connection(self, signal, send):
        """Receivers run in the order of connection, for any or for one sender."""
        for number in range(5):
            signal.connect(answering(number), sender=["web", None][number % 2])
        assert answers(send(signal, "web")) == [0, 1, 2, 3, 4]

    def test_sync_before_async(self, signal, send):
        """Of equal priority the sync receivers run first, as in Django."""
        signal.connect(answering_async("async 1"))
        signal.connect(answering("sync 1"))
        signal.connect(answering_async("async 2"))
        signal.connect(answering("sync 2"))
        assert answers(send(signal)) == ["sync 1", "sync 2", "async 1", "async 2"]

    def test_priority_first(self, signal, send):
        """Priority comes before everything else, for sync and async receivers."""
        signal.connect(answering("last"), priority=-1)
        signal.connect(answering("sync"))
        signal.connect(answering_async("async"))
        signal.connect(answering_async("high async"), priority=10)
        signal.connect(answering("highest"), priority=11)
        signal.connect(answering("high"), priority=10)
        expected = ["highest", "high", "high async", "sync", "async", "last"]
        assert answers(send(signal)) == expected

    def test_responses_are_in_the_order_of_the_calls(self, signal, send):
        """The responses are in the order of the calls."""
        calls = []

        def sync(name):
            return lambda **kwargs: calls.append(name)

        def asynchronous(name):
            async def receiver(**kwargs):
                calls.append(name)

            return receiver

        signal.connect(asynchronous("4"), priority=-1)
        signal.connect(sync("3"))
        signal.connect(asynchronous("2"), priority=5)
        signal.connect(sync("1"), priority=5)
        send(signal)
        assert calls == ["1", "2", "3", "4"]

    def test_a_reconnected_receiver_comes_last(self, signal, send):
        """A receiver that is disconnected and reconnected runs last."""
        one, two = answering(1), answering(2)
        for receiver in (one, two):
            signal.connect(receiver)
        signal.disconnect(one)
        signal.connect(one)
        assert answers(send(signal)) == [2, 1]


class TestArguments:
    """The arguments of receivers."""

    @pytest.mark.parametrize("options", [{}, {"once": True}], ids=["strong_receivers", "once"])
    def test_receivers_get_signal_sender_and_keywords(self, signal, send, options):
        """Receivers get the signal, the sender and the keywords by name, on every path."""
        signal.connect(echo, **options)
        (heard,) = answers(send(signal, Sender, value=1))
        assert heard == {"signal": signal, "sender": Sender, "value": 1}

    def test_async_receivers_get_the_same(self, signal, send):
        """Async receivers get the same arguments."""

        async def receiver(**kwargs):
            return kwargs

        signal.connect(receiver)
        (heard,) = answers(send(signal, value=1))
        assert heard == {"signal": signal, "sender": None, "value": 1}

    def test_receivers_do_not_share_their_keywords(self, signal, send):
        """A receiver that changes its kwargs does not change those of the next receiver."""

        def greedy(**kwargs):
            kwargs.clear()

        signal.connect(greedy)
        signal.connect(echo)
        signal.connect(greedy, sender="web", once=True)
        signal.connect(lambda **kwargs: sorted(kwargs), sender="web")
        assert answers(send(signal, "web", value=1))[-1] == ["sender", "signal", "value"]

    def test_responses_have_their_receivers(self, signal, send):
        """The responses are a new list of pairs, None included."""
        listener = Listener()
        signal.connect(listener.method)
        signal.connect(listener)
        first = send(signal)
        assert first == [(listener.method, None), (listener, None)]
        assert send(signal) is not first

    def test_falsy_receivers_are_called(self, signal, send):
        """A receiver that is false in a boolean context is called."""

        class Empty(Listener):
            def __len__(self):
                return 0

        empty = Empty()
        signal.connect(empty)
        signal.connect(empty.method)
        signal.connect(Empty(), weak=True)
        assert answers(send(signal, value=1)) == [1, 1]
        signal.connect(answering(2), once=True)
        assert answers(send(signal, value=1)) == [1, 1, 2]

    def test_all_kinds_of_receivers(self, signal, send):
        """Partials, callable objects, classes, builtins and static methods are called."""
        signal.connect(functools.partial(echo, extra=1))
        signal.connect(Listener())
        signal.connect(Listener.static_method)
        signal.connect(Listener.class_method)
        signal.connect(dict)
        partial, *values, mapping = answers(send(signal, value=2))
        assert partial == {"signal": signal, "sender": None, "value": 2, "extra": 1}
        assert values == [2, 2, 2]
        assert mapping == {"signal": signal, "sender": None, "value": 2}
