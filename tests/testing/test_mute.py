"""Muted: here, and nowhere else."""

import asyncio
import contextvars
import threading
from functools import partial
from inspect import iscoroutinefunction

import pytest

from clarion import Signal, signal
from clarion._core import instrument
from clarion.errors import ArgumentError, RunningLoopError
from clarion.testing import capture, muted
from tests.core.receivers import (
    Listener,
    answering,
    answering_async,
    answers,
    deliver,
    echo,
    raising,
)

opened = Signal(name="shop.opened")
closed = Signal(name="shop.closed")


@signal
def paid(sender: object, *, order_id: int) -> int:
    """An order was paid."""
    raise NotImplementedError


def one(**kwargs):
    """Answer 1."""
    return 1


def two(**kwargs):
    """Answer 2."""
    return 2


@pytest.fixture(autouse=True)
def _connected():
    for each in (opened, closed):
        each.connect(one)
        each.connect(two, priority=1)


def heard(signal=opened, sender=None):
    """Send, and return what was answered."""
    return answers(signal.send(sender))


def test_a_muted_signal_calls_nobody():
    """Its receivers are not called while the block runs, and are afterwards."""
    with muted(opened):
        assert heard() == []
        assert heard(closed) == [2, 1]
    assert heard() == [2, 1]


def test_a_muted_receiver_is_not_called():
    """No signal calls a muted receiver; the others are called, in their order."""
    with muted(two):
        assert heard() == [1]
        assert heard(closed) == [1]
    assert heard() == [2, 1]


def test_several_are_muted_together():
    """Signals and receivers can be muted by one block."""
    closed.connect(three := answering(3))
    with muted(opened, one, three):
        assert heard() == []
        assert heard(closed) == [2]


@pytest.mark.parametrize("kind", ["send", "send_robust", "asend", "asend_robust"])
def test_every_send_is_muted(kind):
    """All four sends leave out what is muted, sync and async."""
    opened.connect(late := answering_async(3))
    with muted(one):
        assert answers(deliver(kind, opened)) == [2, 3]
    with muted(late):
        assert answers(deliver(kind, opened)) == [2, 1]
    with muted(opened):
        assert answers(deliver(kind, opened)) == []


def test_a_declared_signal_is_muted():
    """Declared signals are muted like any other, and still check their keywords."""
    paid.connect(lambda sender, order_id: order_id)
    with muted(paid):
        assert paid.send(None, order_id=1) == []
        with pytest.raises(ArgumentError):
            paid.send(None)  # type: ignore[call-arg]
    assert answers(paid.send(None, order_id=1)) == [1]


def test_only_this_sender_is_muted():
    """With a sender, what others send is heard; text matches by equality."""
    with muted(opened, sender="web"):
        assert heard(sender=str(b"web", "ascii")) == []
        assert heard(sender="phone") == [2, 1]
        assert heard(sender=None) == [2, 1]
    with muted(one, sender="web"):
        assert heard(sender="web") == [2]
        assert heard(sender="phone") == [2, 1]


def test_bound_methods_are_muted():
    """A bound method is muted by its object, not the same method of another object."""
    mine, other = Listener(), Listener()
    for listener in (mine, other):
        closed.connect(listener.method)
    with muted(mine.method):
        assert [receiver for receiver, _ in closed.send(None)] == [two, one, other.method]


@pytest.mark.parametrize("receiver", [Listener(), partial(echo)], ids=["object", "partial"])
def test_callable_objects_are_muted(receiver):
    """A callable object, such as a partial, is muted like a function."""
    fresh = Signal()
    fresh.connect(receiver)
    with muted(receiver):
        assert fresh.send(None) == []


@pytest.mark.parametrize("owner", [Listener, {}], ids=["class", "builtin"])
def test_methods_that_are_another_object_each_time_are_muted(owner):
    """Class methods and methods of builtins are muted by owner and name."""
    name = "class_method" if owner is Listener else "update"
    fresh = Signal()
    fresh.connect(getattr(owner, name))
    with muted(getattr(owner, name)):
        assert fresh.send(None) == []


def test_a_receiver_may_be_connected_in_the_block():
    """A receiver need not be connected when it is muted, nor its signal be there."""
    with muted(echo):
        fresh = Signal()
        fresh.connect(echo)
        assert fresh.send(None) == []
    assert len(fresh.send(None)) == 1


def test_registrations_stay():
    """Muting disconnects nobody: order, names and has_listeners stay as they were."""
    before = opened._table.registrations()
    with muted(opened, one):
        assert opened._table.registrations() == before
        assert opened.has_listeners()
    assert opened._table.registrations() == before
    assert heard() == [2, 1]


def test_a_once_receiver_is_not_spent():
    """A muted receiver that is to be called once keeps its call."""
    opened.connect(echo, once=True)
    with muted(opened):
        heard()
    with muted(echo):
        heard()
    assert len(opened.send(None)) == 3
    assert len(opened.send(None)) == 2


def test_a_muted_send_is_captured():
    """What is muted is sent nevertheless: a capture sees it, unanswered."""
    with capture(opened) as sent, muted(opened):
        heard(sender="web")
    assert [(each.sender, each.responses) for each in sent] == [("web", [])]


def test_mutes_nest():
    """An inner block ends without ending the outer one, of the same target or another."""
    with muted(opened):
        with muted(opened), muted(one):
            assert heard() == []
        assert heard() == []
    assert heard() == [2, 1]


def test_it_is_reentrant():
    """One and the same mute can be entered inside itself, and again afterwards."""
    mute = muted(opened)
    with mute:
        with mute:
            assert heard() == []
        assert heard() == []
    assert heard() == [2, 1]
    with mute:
        assert heard() == []


def test_it_ends_with_an_exception():
    """An exception passes, and what was muted is heard again."""
    with pytest.raises(ZeroDivisionError), muted(opened):
        _ = 1 / 0
    assert heard() == [2, 1]


def test_a_failing_receiver_is_kept_quiet():
    """A muted receiver cannot fail the send."""
    opened.connect(broken := raising(LookupError()))
    with muted(broken):
        assert heard() == [2, 1]


def test_a_muted_async_receiver_does_not_need_awaiting():
    """Inside a running loop, send() works when its async receivers are muted."""
    opened.connect(late := answering_async(3))

    async def main():
        with muted(late):
            assert heard() == [2, 1]
        with pytest.raises(RunningLoopError):
            heard()

    asyncio.run(main())


def test_a_thread_beside_it_hears():
    """A thread that was there before hears as ever, while the block is open."""
    entered, answered = threading.Event(), []

    def send():
        entered.wait()
        answered.append(heard())

    thread = threading.Thread(target=send)
    thread.start()
    with muted(opened, two):
        entered.set()
        thread.join()
        assert heard() == []
    assert answered == [[2, 1]]


def test_a_task_beside_it_hears():
    """A task that was there before hears as ever; those started inside are muted."""

    async def main():
        entered = asyncio.Event()

        async def beside():
            await entered.wait()
            return answers(await opened.asend(None))

        async def inside():
            await asyncio.sleep(0)
            return answers(await opened.asend(None))

        neighbour = asyncio.create_task(beside())
        await asyncio.sleep(0)
        with muted(opened):
            entered.set()
            return await neighbour, await asyncio.create_task(inside())

    assert asyncio.run(main()) == ([2, 1], [])


def test_a_task_that_outlives_the_block_hears_again():
    """The mute ends with its block, for the tasks that it started as well."""

    async def main():
        left = asyncio.Event()

        async def outlive():
            await left.wait()
            return heard()

        with muted(opened):
            task = asyncio.create_task(outlive())
            await asyncio.sleep(0)
        left.set()
        # That another block mutes the same meanwhile is nothing to it.
        with muted(opened):
            return await task

    assert asyncio.run(main()) == [2, 1]


def test_it_may_be_left_in_another_context():
    """A fixture may end elsewhere than the test that muted; what was muted is heard again."""
    mute = muted(opened)
    context = contextvars.copy_context()
    context.run(mute.__enter__)
    assert context.run(heard) == []
    mute.__exit__(None, None, None)
    assert context.run(heard) == [2, 1]
    assert heard() == [2, 1]


def test_a_thread_of_asend_is_muted():
    """A sync receiver that asend() runs in a thread is of the sender's context."""

    def nested(**kwargs):
        return heard(closed)

    opened.connect(nested)
    with muted(closed):
        assert answers(asyncio.run(opened.asend(None))) == [2, 1, []]


def test_a_function_runs_muted():
    """As a decorator it mutes each call of the function, and keeps its name and its answer."""

    @muted(opened)
    def work(signal, *, times):
        """Work."""
        return heard(signal) * times

    assert work(opened, times=2) == []
    assert work(closed, times=2) == [2, 1, 2, 1]
    assert (work.__name__, work.__doc__) == ("work", "Work.")
    assert heard() == [2, 1]


def test_a_decorated_function_may_call_itself():
    """A decorated function is muted to the end, however deep it calls itself."""

    @muted(opened)
    def work(depth):
        return (work(depth - 1) if depth else []) + heard()

    assert work(3) == []
    assert heard() == [2, 1]


def test_a_coroutine_function_runs_muted():
    """An async function is muted until it ends, and its neighbours are not."""

    @muted(opened)
    async def work():
        await asyncio.sleep(0)
        return heard()

    async def beside():
        await asyncio.sleep(0)
        return heard()

    async def main():
        return await asyncio.gather(work(), beside(), work())

    assert iscoroutinefunction(work)
    assert asyncio.run(main()) == [[], [2, 1], []]
    assert heard() == [2, 1]


def generator():
    """Yield nothing."""
    yield


async def async_generator():
    """Yield nothing."""
    yield


@pytest.mark.parametrize("function", [generator, async_generator, Listener])
def test_what_runs_later_is_refused(function):
    """A class or a generator cannot be decorated: its body runs after the call."""
    with pytest.raises(ArgumentError, match=r"cannot decorate .* Use a with block in it\."):
        muted(opened)(function)


def test_nothing_to_mute_is_refused():
    """Muting nothing is a mistake."""
    with pytest.raises(ArgumentError, match=r"without a target\. Give signals or receivers\."):
        muted()


def test_what_cannot_be_muted_is_refused():
    """A name is neither a signal nor a receiver."""
    with pytest.raises(ArgumentError, match="'order_paid' is neither a signal nor a receiver"):
        muted(opened, "order_paid")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "targets", [(opened,), (one,), (opened, one)], ids=["signal", "receiver", "both"]
)
def test_nothing_is_left_when_it_ends(targets):
    """After the block a send just calls its receivers again, and nobody watches."""
    with muted(*targets):
        assert opened._table.find_route(None).strong_receivers is None
    assert opened._table.find_route(None).strong_receivers == (two, one)
    assert opened._table.instruments == instrument.everywhere == ()
