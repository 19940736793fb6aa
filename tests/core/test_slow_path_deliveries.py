"""Receivers with a delivery."""

import asyncio
from contextvars import ContextVar

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

variable: ContextVar[int] = ContextVar("variable", default=0)


@pytest.fixture(autouse=True)
def _fresh_variable():
    token = variable.set(0)
    yield
    variable.reset(token)


class TestDeliveries:
    """Receivers that are delivered to in their own time."""

    def test_the_answer_is_the_deliverys(self, signal, send):
        """In the place of the receiver's, in the order of a send."""
        later, first, last = Later(), answering(1), answering(2)
        signal.connect(last, priority=-1)
        signal.connect(first, priority=1)
        signal.connect(echo, delivery=later)
        assert answers(send(signal, "web", n=1)) == [1, "kept", 2]
        assert later.run() == [{"signal": signal, "sender": "web", "n": 1}]

    def test_async_receivers_are_left_to_it(self, signal, send):
        """Also a lone one."""
        later, receiver = Later(), answering_async(1)
        signal.connect(receiver, delivery=later)
        assert send(signal) == [(receiver, "kept")]
        assert [kept for kept, _ in later.kept] == [receiver]

    def test_what_it_raises_is_the_receivers_error(self, signal, strict_send):
        """With the note that says which receiver of which signal."""
        error = ValueError("no")
        signal.connect(echo, delivery=Later(error=error))
        with pytest.raises(ValueError, match="no") as caught:
            strict_send(signal)
        assert "receiver tests.core.receivers.echo" in caught.value.__notes__[0]

    def test_a_robust_send_answers_with_it(self, signal, robust_send, caplog):
        """And goes on to the others."""
        error = ValueError("no")
        signal.connect(echo, delivery=Later(error=error))
        signal.connect(answering(1), priority=-1)
        assert answers(robust_send(signal)) == [error, 1]
        assert "echo" in caplog.text

    def test_inside_a_loop_it_is_asked_whether_it_awaits(self, signal):
        """Of an async receiver only; then the send is refused before anybody is called."""
        calls, receiver = [], answering_async(1)
        signal.connect(lambda **kwargs: calls.append(1), priority=1)
        signal.connect(receiver, delivery=(asking := Later(needs_loop=True)))
        signal.connect(echo, delivery=(sync := Later(needs_loop=True)))

        async def main():
            with pytest.raises(RunningLoopError, match="answering_async"):
                signal.send(None)
            assert (calls, asking.kept, sync.kept) == ([], [], [])
            asking.needs_loop = False
            signal.send(None)

        asyncio.run(main())
        assert (len(calls), len(asking.kept), len(sync.kept)) == (1, 1, 1)
        assert (asking.asked, sync.asked) == ([receiver, receiver], [])

    def test_it_may_refuse_before_anybody_is_called(self, signal):
        """What `awaits` raises ends each send inside a loop, robust or not, awaited or not."""
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

    def test_who_does_not_hear_is_not_asked(self, signal):
        """A receiver that is muted, or was called once, is no reason to refuse."""
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

    def test_once_is_had_when_it_runs(self, signal, send):
        """A send leaves the call, and the registration, to the delivery."""
        later = Later()
        signal.connect(echo, delivery=later, once=True)
        send(signal)
        send(signal)
        (registration,) = signal._table.registrations()
        assert not registration.is_spent
        assert len(later.kept) == 2

    def test_disconnected_it_hears_no_more(self, signal, send):
        """What was kept before is the delivery's."""
        later = Later()
        signal.connect(echo, "web", delivery=later)
        send(signal, "web")
        assert signal.disconnect(echo, "web")
        assert send(signal, "web") == []
        assert len(later.kept) == 1

    def test_a_weak_receiver_that_has_died_is_not_delivered_to(self, signal, send):
        """The delivery does not keep it; one that lives is given to it."""
        later, living, dying = Later(), Listener(), Listener()
        signal.connect(dying.method, delivery=later)
        signal.connect(living.method, delivery=later)
        del dying
        collect()
        assert send(signal, value=1) == [(living.method, "kept")]

    def test_one_that_wants_the_signal_is_given_it(self, send):
        """What a declared signal offers, and what the delivery does."""

        @declare
        def paid(sender: object, *, n: int) -> None:
            """An order was paid."""

        def take(sender, n, signal=None, extra=None):
            return sender, n, signal, extra

        later = Later(provides=("extra",))
        paid.connect(take, delivery=later)
        send(paid, "web", n=1)
        assert later.run() == [("web", 1, paid, "offered")]
