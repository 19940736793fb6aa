"""Receivers and senders that the standard library made, and that no send could use."""

import collections
import functools
import itertools
from contextlib import ContextDecorator, asynccontextmanager, contextmanager
from typing import Any, Optional

import pytest

from clarion import Signal, signal
from clarion.errors import NotCallableError, ReceiverError, SenderError, SignatureError


@signal
def declared(sender, *, order_id: int = 0):
    """Declare one keyword."""


@pytest.fixture(params=["plain", "declared"])
def paid(request):
    """Return a plain signal, or a declared one without receivers."""
    return Signal() if request.param == "plain" else type(declared)(declared.__wrapped__)


class Timed(ContextDecorator):
    """A block that decorates functions, as `contextlib.contextmanager` makes them."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


@contextmanager
def managed(sender, order_id=0, **kwargs):
    """Run nothing when called."""
    yield sender


@asynccontextmanager
async def managed_async(sender, order_id=0, **kwargs):
    """Run nothing when called."""
    yield sender


@Timed()
def timed_generator(sender, order_id=0, **kwargs):
    """Run nothing when called."""
    yield sender


@Timed()
async def timed_async(sender, order_id=0, **kwargs):
    """Return a coroutine that no send awaits."""


@Timed()
def timed(sender, order_id=0, **kwargs):
    """Return the sender."""
    return sender


@functools.singledispatch
def dispatched(sender, order_id=0, **kwargs):
    """Need an argument by position."""


class Dispatching:
    """An object with a single-dispatch method."""

    @functools.singledispatchmethod
    def method(self, sender, order_id=0, **kwargs):
        """Need an argument by position."""


@functools.lru_cache
def cached(sender, order_id=0, **kwargs):
    """Run once for the same arguments."""


class Caching:
    """An object with a method that has a cache."""

    @functools.cache  # noqa: B019
    def method(self, sender, order_id=0, **kwargs):
        """Run once for the same arguments."""


@pytest.mark.parametrize(
    "given", [cached, Caching().method, functools.lru_cache(timed), functools.partial(cached)]
)
def test_a_function_with_a_cache_is_refused(paid, given):
    """The second send with the same arguments would not run it."""
    with pytest.raises(SignatureError, match=r"has a cache, .*Remove the cache") as raised:
        paid.connect(given)
    assert raised.value.receiver == given
    assert not paid.has_listeners()
    paid.connect(lambda sender, **kwargs: cached(sender))


MANAGERS = {"sync": managed, "async": managed_async, "decorated": timed_generator}


@pytest.mark.parametrize("given", MANAGERS.values(), ids=MANAGERS)
def test_a_context_manager_is_refused(paid, given):
    """A function that makes a context manager is refused, because a call does not run its body."""
    with pytest.raises(SignatureError, match=r"makes a context manager.*by `with`") as raised:
        paid.connect(given)
    assert raised.value.receiver is given
    assert not paid.has_listeners()


def test_an_async_function_in_a_sync_block_is_refused(paid):
    """An async function that a sync block decorates is refused, because no send awaits it."""
    with pytest.raises(SignatureError, match=r"no send awaits it\. Use a with block"):
        paid.connect(timed_async)
    paid.connect(timed)
    assert paid.send("web") == [(timed, "web")]


def test_a_single_dispatch_function_is_refused(paid):
    """A single-dispatch function is refused, because it needs an argument by position."""
    with pytest.raises(SignatureError, match=r"single-dispatch.*Connect a function that calls it"):
        paid.connect(dispatched)
    with pytest.raises(SignatureError, match="single-dispatch"):
        paid.connect(Dispatching().method)
    assert not paid.has_listeners()


@pytest.mark.parametrize("name", ["send", "asend", "send_robust", "asend_robust"])
@pytest.mark.parametrize(
    "kind", [Signal, lambda: signal(declared.__wrapped__)], ids=["plain", "declared"]
)
def test_a_plain_signal_refuses_the_send_of_another(kind, name):
    """A plain signal passes `signal`, which the send would get twice."""
    with pytest.raises(ReceiverError):
        Signal().connect(getattr(kind(), name))


def test_the_refusal_of_a_send_names_the_cure():
    """The message says what to connect in its place."""
    with pytest.raises(NotCallableError, match="Connect a function that sends the signal"):
        Signal().connect(Signal().send)


def test_a_declared_signal_may_forward_to_the_send_of_another():
    """The send of a signal is a receiver of a declared signal, which does not pass `signal`."""

    @signal
    def first(sender: str, *, n: int) -> None: ...

    second = Signal()
    second.connect(lambda sender, n, **kwargs: (sender, n), weak=False)
    first.connect(second.send)
    answers: Any = first.send("web", n=1)
    assert answers[0][1][0][1] == ("web", 1)


@pytest.mark.parametrize("given", [int, str, Exception], ids=lambda kind: kind.__name__)
def test_a_builtin_class_is_refused(paid, given):
    """A builtin class that takes no keywords is refused, and the message shows where a sender goes."""
    with pytest.raises(SignatureError, match=r"connect\(receiver, sender=\.\.\.\)"):
        paid.connect(given)


SENDERS = {
    "keys": {"web": 1}.keys(),
    "generator": (each for each in [Timed]),
    "map": map(str, "ab"),
    "iterator": iter((Timed,)),
    "chain": itertools.chain([Timed]),
    "deque": collections.deque([Timed]),
    "union": Timed | Dispatching,
    "optional": Optional[Timed],  # noqa: UP045  # of another type before Python 3.14
}


@pytest.mark.parametrize("senders", SENDERS.values(), ids=SENDERS)
def test_an_iterator_or_a_union_is_refused(paid, senders):
    """An iterator of senders, or a union, is refused because no send by an item would match it."""
    with pytest.raises(SenderError, match="Connect the receiver once for each sender") as raised:
        paid.connect(timed, sender=senders)
    assert raised.value.sender is senders


class Cursor:
    """A sender of a program, which is an iterator, too."""

    def __next__(self): ...


def test_an_iterator_of_the_program_may_send(paid):
    """An object of a program may be a sender, also if it is an iterator."""
    cursor = Cursor()
    paid.connect(timed, sender=cursor)
    assert paid.has_listeners(cursor)
