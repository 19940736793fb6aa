"""Receivers with a delivery."""

import asyncio

import pytest

from clarion import signal as declare
from clarion.errors import RunningLoopError
from clarion.testing import muted
from tests.core.deliveries import Later
from tests.core.receivers import (
    Listener,
    answering,
    answering_async,
    answers,
    collect,
    echo,
)


class TestDeliveries:
    """A send passes the calls of receivers with a delivery to the delivery."""

    def test_the_delivery_returns_the_response(self, signal, send):
        """The result of the delivery is the response, in the order of the send."""
        later, first, last = Later(), answering(1), answering(2)
        signal.connect(last, priority=-1)
        signal.connect(first, priority=1)
        signal.connect(echo, delivery=later)
        assert answers(send(signal, "web", n=1)) == [1, "kept", 2]
        assert later.run() == [{"signal": signal, "sender": "web", "n": 1}]

    def test_async_receivers_are_passed_to_it(self, signal, send):
        """Async receivers are passed to the delivery, a single one too."""
        later, receiver = Later(), answering_async(1)
        signal.connect(receiver, delivery=later)
        assert send(signal) == [(receiver, "kept")]
        assert [kept for kept, _ in later.kept] == [receiver]

    def test_its_error_has_a_note(self, signal, strict_send):
        """The error of the delivery has the note that names the receiver and the signal."""
        error = ValueError("no")
        signal.connect(echo, delivery=Later(error=error))
        with pytest.raises(ValueError, match="no") as caught:
            strict_send(signal)
        assert "receiver tests.core.receivers.echo" in caught.value.__notes__[0]

    def test_a_robust_send_returns_its_error(self, signal, robust_send, caplog):
        """A robust send returns the error of the delivery, and continues."""
        error = ValueError("no")
        signal.connect(echo, delivery=Later(error=error))
        signal.connect(answering(1), priority=-1)
        assert answers(robust_send(signal)) == [error, 1]
        assert "echo" in caplog.text

    def test_inside_a_loop_it_decides_whether_to_await(self, signal):
        """Inside a loop the delivery of an async receiver decides whether the send is refused."""
        calls, receiver = [], answering_async(1)
        signal.connect(lambda **kwargs: calls.append(1), priority=1)
        signal.connect(receiver, delivery=(needing := Later(needs_loop=True)))
        signal.connect(echo, delivery=(sync := Later(needs_loop=True)))

        async def main():
            with pytest.raises(RunningLoopError, match="answering_async"):
                signal.send(None)
            assert (calls, needing.kept, sync.kept) == ([], [], [])
            needing.needs_loop = False
            signal.send(None)

        asyncio.run(main())
        assert (len(calls), len(needing.kept), len(sync.kept)) == (1, 1, 1)
        assert (needing.asked, sync.asked) == ([receiver, receiver], [])

    def test_it_may_refuse_before_any_call(self, signal):
        """An error of `awaits` ends each kind of send inside a loop before any call."""
        calls = []
        signal.connect(lambda **kwargs: calls.append(1), priority=1)
        refusing = Later(needs_loop=RunningLoopError("not here"))
        signal.connect(answering_async(1), delivery=refusing)

        async def sent(name):
            await getattr(signal, name)(None)

        async def main():
            for name in ("send", "send_robust", "asend", "asend_robust"):
                with pytest.raises(RunningLoopError, match="not here"):
                    await sent(name)
            return calls

        assert asyncio.run(main()) == []

    def test_a_receiver_that_is_not_called_is_skipped(self, signal):
        """A receiver that is muted, or whose only call is over, does not make a send refuse."""
        refusing = Later(needs_loop=RunningLoopError("not here"))
        muted_one, spent = answering_async(1), answering_async(2)
        signal.connect(muted_one, delivery=refusing)
        signal.connect(spent, delivery=refusing, once=True)
        signal._table.registrations()[1].claim()

        async def main():
            with muted(muted_one):
                signal.send(None)
                await signal.asend(None)

        asyncio.run(main())
        assert refusing.asked == []

    def test_the_delivery_uses_the_only_call(self, signal, send):
        """A send leaves the only call, and the registration, to the delivery."""
        later = Later()
        signal.connect(echo, delivery=later, once=True)
        send(signal)
        send(signal)
        (registration,) = signal._table.registrations()
        assert not registration.is_spent
        assert len(later.kept) == 2

    def test_a_disconnected_receiver_gets_no_more_calls(self, signal, send):
        """After a disconnect the delivery keeps the calls that it already has."""
        later = Later()
        signal.connect(echo, "web", delivery=later)
        send(signal, "web")
        assert signal.disconnect(echo, "web")
        assert send(signal, "web") == []
        assert len(later.kept) == 1

    def test_a_dead_weak_receiver_is_not_passed_to_it(self, signal, send):
        """A dead weak receiver is not passed to the delivery, and a living one is."""
        later, living, dying = Later(), Listener(), Listener()
        signal.connect(dying.method, delivery=later)
        signal.connect(living.method, delivery=later)
        del dying
        collect()
        assert send(signal, value=1) == [(living.method, "kept")]

    def test_requested_arguments_are_provided(self, send):
        """A receiver gets the arguments that the signal and the delivery provide."""

        @declare
        def paid(sender: object, *, n: int) -> None:
            """An order was paid."""

        def take(sender, n, signal=None, extra=None):
            return sender, n, signal, extra

        later = Later(provides=("extra",))
        paid.connect(take, delivery=later)
        send(paid, "web", n=1)
        assert later.run() == [("web", 1, paid, "provided")]
