"""The four sends: what they have in common, and what happens amid one."""

import asyncio
import functools
import gc
import logging

import pytest

from tests.core.receivers import (
    Listener,
    Sender,
    answering,
    answering_async,
    answers,
    echo,
    raising,
    raising_async,
)


class TestOrder:
    """Higher priority first, then sync before async, then order of connection."""

    def test_order_of_connection(self, signal, send):
        """Receivers answer as they were connected, whomever they listen to."""
        for number in range(5):
            signal.connect(answering(number), sender=["web", None][number % 2])
        assert answers(send(signal, "web")) == [0, 1, 2, 3, 4]

    def test_sync_before_async(self, signal, send):
        """Of equal priority the sync receivers come first, as in Django."""
        signal.connect(answering_async("async 1"))
        signal.connect(answering("sync 1"))
        signal.connect(answering_async("async 2"))
        signal.connect(answering("sync 2"))
        assert answers(send(signal)) == ["sync 1", "sync 2", "async 1", "async 2"]

    def test_priority_first(self, signal, send):
        """Priority goes before everything else, across sync and async."""
        signal.connect(answering("last"), priority=-1)
        signal.connect(answering("sync"))
        signal.connect(answering_async("async"))
        signal.connect(answering_async("high async"), priority=10)
        signal.connect(answering("highest"), priority=11)
        signal.connect(answering("high"), priority=10)
        expected = ["highest", "high", "high async", "sync", "async", "last"]
        assert answers(send(signal)) == expected

    def test_calls_are_made_in_the_order_of_the_answers(self, signal, send):
        """What is answered first has been called first."""
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

    def test_who_is_connected_anew_comes_last(self, signal, send):
        """Disconnecting gives up the place."""
        one, two = answering(1), answering(2)
        for receiver in (one, two):
            signal.connect(receiver)
        signal.disconnect(one)
        signal.connect(one)
        assert answers(send(signal)) == [2, 1]


class TestArguments:
    """What receivers are called with."""

    @pytest.mark.parametrize("options", [{}, {"once": True}], ids=["strong_receivers", "once"])
    def test_receivers_get_signal_sender_and_keywords(self, signal, send, options):
        """All of it by keyword, on every road."""
        signal.connect(echo, **options)
        (heard,) = answers(send(signal, Sender, value=1))
        assert heard == {"signal": signal, "sender": Sender, "value": 1}

    def test_async_receivers_get_the_same(self, signal, send):
        """Whether it awaits makes no difference to a receiver."""

        async def receiver(**kwargs):
            return kwargs

        signal.connect(receiver)
        (heard,) = answers(send(signal, value=1))
        assert heard == {"signal": signal, "sender": None, "value": 1}

    def test_receivers_do_not_share_their_keywords(self, signal, send):
        """What one receiver does to its kwargs is its own business."""

        def greedy(**kwargs):
            kwargs.clear()

        signal.connect(greedy)
        signal.connect(echo)
        signal.connect(greedy, sender="web", once=True)
        signal.connect(lambda **kwargs: sorted(kwargs), sender="web")
        assert answers(send(signal, "web", value=1))[-1] == ["sender", "signal", "value"]

    def test_answers_come_with_their_receivers(self, signal, send):
        """The responses are a new list of pairs, None included."""
        listener = Listener()
        signal.connect(listener.method)
        signal.connect(listener)
        first = send(signal)
        assert first == [(listener.method, None), (listener, None)]
        assert send(signal) is not first

    def test_falsy_receivers_are_called(self, signal, send):
        """An object that counts as false is a receiver all the same."""

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


class TestErrors:
    """What becomes of what receivers raise."""

    def test_an_error_ends_a_strict_send(self, signal, strict_send):
        """The receivers after it are not called."""
        calls: list[object] = []
        signal.connect(lambda **kwargs: calls.append(1))
        signal.connect(raising(ValueError("stop")))
        signal.connect(lambda **kwargs: calls.append(2))
        with pytest.raises(ValueError, match="stop"):
            strict_send(signal)
        assert calls == [1]

    def test_an_error_before_async_receivers_ends_it_too(self, signal, strict_send):
        """An async receiver does not begin after a sync one has failed."""
        calls: list[object] = []

        async def receiver(**kwargs):
            calls.append(1)

        signal.connect(receiver)
        signal.connect(raising(ValueError("stop")))
        with pytest.raises(ValueError, match="stop"):
            strict_send(signal)
        assert calls == []

    def test_an_error_is_the_answer_to_a_robust_send(self, signal, robust_send):
        """All receivers are called, and each that raised answers with its exception."""
        errors = ValueError("sync"), ValueError("async")
        signal.connect(raising(errors[0]))
        signal.connect(answering(1))
        signal.connect(raising_async(errors[1]))
        signal.connect(answering_async(2))
        assert answers(robust_send(signal)) == [errors[0], 1, errors[1], 2]

    @pytest.mark.parametrize("once", [False, True], ids=["strong_receivers", "longer road"])
    def test_robust_works_for_receivers_without_a_name(self, signal, robust_send, caplog, once):
        """Partials, callable objects and builtins may fail like functions."""

        class Failing:
            def __call__(self, **kwargs):
                raise ValueError("object")

        class AsyncFailing:
            async def __call__(self, **kwargs):
                raise ValueError("async object")

        signal.connect(functools.partial(raising(ValueError("partial"))), once=once)
        signal.connect(Failing())
        signal.connect(int)
        signal.connect(AsyncFailing())
        with caplog.at_level(logging.ERROR, "clarion"):
            kinds = [type(response) for response in answers(robust_send(signal))]
        assert kinds == [ValueError, ValueError, TypeError, ValueError]
        logged = [record.getMessage() for record in caplog.records]
        assert [message.partition(" in Signal")[0] for message in logged] == [
            "Error calling partial(tests.core.receivers.raising.<locals>.receiver)",
            f"Error calling {__name__}.{Failing.__qualname__} object",
            "Error calling builtins.int",
            f"Error calling {__name__}.{AsyncFailing.__qualname__} object",
        ]

    def test_robust_lets_the_program_end(self, signal, robust_send):
        """KeyboardInterrupt and SystemExit are no answers."""
        signal.connect(raising(SystemExit(3)))
        signal.connect(raising(KeyboardInterrupt()), sender="web")
        with pytest.raises(SystemExit):
            robust_send(signal)
        signal.disconnect(signal._table.registrations()[0].live())
        with pytest.raises(KeyboardInterrupt):
            robust_send(signal, "web")

    def test_a_robust_error_has_no_note(self, signal, robust_send):
        """The answer stands beside its receiver, so nothing need be noted."""
        signal.connect(raising(ValueError("no")))
        ((_, error),) = robust_send(signal)
        assert not hasattr(error, "__notes__")

    def test_robust_ends_a_recursion(self, signal):
        """A circle of robust sends ends too, with an error as some inner answer."""
        depth = []

        def again(sender, **kwargs):
            depth.append(1)
            return signal.send_robust(sender)

        logger = logging.getLogger("clarion")
        logger.disabled = True
        try:
            signal.connect(again)
            responses = signal.send_robust(None)
        finally:
            logger.disabled = False
        assert len(depth) > 10
        while isinstance(responses, list):
            ((_, responses),) = responses
        assert isinstance(responses, RecursionError)

    def test_stop_iteration_is_an_error_like_any_other(self, signal):
        """A sync send does not take it for the end of its receivers."""
        signal.connect(raising(StopIteration("stop")))
        signal.connect(answering(1))
        with pytest.raises(StopIteration, match="stop"):
            signal.send(None)
        error, one = answers(signal.send_robust(None))
        assert isinstance(error, StopIteration)
        assert one == 1


class TestAmidASend:
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
