"""Which keywords a receiver accepts, and whether it is async."""

import functools
import inspect
import sys
from typing import Any
from unittest import mock

import pytest

from clarion._core.signatures import accepts_any_keyword, asks_for, is_async, refusal, signature_of
from tests.core.receivers import AsyncListener, Listener


def plain(sender, **kwargs):
    """Do nothing."""


async def coroutine(sender, **kwargs):
    """Do nothing, awaited."""


async def generator(sender, **kwargs):
    """Yield; an async generator cannot be awaited."""
    yield sender


@functools.wraps(coroutine)
def wrapper(*args, **kwargs):
    """Wrap a coroutine function in a sync one."""
    return coroutine(*args, **kwargs)


def marked(listener):
    """Mark an object as async, as asgiref does in the running version of Python."""
    if sys.version_info >= (3, 12):
        return inspect.markcoroutinefunction(listener)
    import asyncio.coroutines

    listener._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]
    return listener


ASYNC = {
    "coroutine function": coroutine,
    "method": Listener().async_method,
    "function of a class": Listener.async_method,
    "partial": functools.partial(coroutine, sender=1),
    "partial of a partial": functools.partial(functools.partial(coroutine)),
    "partial of a method": functools.partial(Listener().async_method, value=1),
    "object": AsyncListener(),
    "partial of an object": functools.partial(AsyncListener()),
    "marked object": marked(Listener()),
    "AsyncMock": mock.AsyncMock(),
}

SYNC = {
    "function": plain,
    "lambda": lambda **kwargs: None,
    "method": Listener().method,
    "class method": Listener.class_method,
    "static method": Listener.static_method,
    "partial": functools.partial(plain),
    "object": Listener(),
    "class": Listener,
    "class of async objects": AsyncListener,
    "builtin": print,
    "method of a builtin": [].append,
    "async generator": generator,
    "sync wrapper of an async function": wrapper,
    "MagicMock": mock.MagicMock(),
}


@pytest.mark.parametrize("receiver", ASYNC.values(), ids=list(ASYNC))
def test_async_receivers_are_recognized(receiver):
    """A receiver that must be awaited is async, however it is wrapped."""
    assert is_async(receiver)


@pytest.mark.parametrize("receiver", SYNC.values(), ids=list(SYNC))
def test_sync_receivers_are_recognized(receiver):
    """A receiver that returns its response at once is not async."""
    assert not is_async(receiver)


def keyword_only(*, sender, **kwargs):
    """Take keywords only."""


def without_keywords(sender, signal):
    """Take exactly what every send gives, and no more."""


def positional_only(sender, /, **kwargs):
    """Take the sender by position only, which no send does."""


def positional_with_default(sender=None, /, **kwargs):
    """Need no argument by position."""


@functools.wraps(without_keywords)
def wrapper_without_keywords(*args, **kwargs):
    """Claim the signature of the wrapped function."""


class Owner:
    """Methods that accept a send, and methods that do not."""

    def wide(self, **kwargs):
        """Accept any keyword."""

    def narrow(self, sender):
        """Accept the sender only."""

    def positional(self, /, **kwargs):
        """Accept any keyword, with a positional-only self."""


ACCEPTING = {
    "function": plain,
    "keywords only": keyword_only,
    "lambda": lambda **kwargs: None,
    "default by position": positional_with_default,
    "method": Owner().wide,
    "method with positional self": Owner().positional,
    "object": Listener(),
    "partial": functools.partial(plain, 1),
    "callable without a signature": dict,
    "static method": staticmethod(plain),
    "Mock": mock.Mock(),
}

REFUSING = {
    "function": without_keywords,
    "positional only": positional_only,
    "function without parameters": lambda: None,
    "only positions": lambda *args: None,
    "method": Owner().narrow,
    "partial": functools.partial(without_keywords, signal=None),
    "wrapper": wrapper_without_keywords,
    "builtin": print,
}


@pytest.mark.parametrize("receiver", ACCEPTING.values(), ids=list(ACCEPTING))
def test_any_keyword_is_accepted(receiver):
    """A receiver with **kwargs or without a signature accepts any keyword."""
    assert accepts_any_keyword(receiver)


@pytest.mark.parametrize("receiver", REFUSING.values(), ids=list(REFUSING))
def test_any_keyword_is_not_accepted(receiver):
    """A receiver without **kwargs, or with a required position, does not accept every send."""
    assert not accepts_any_keyword(receiver)


def test_a_refusal_has_the_reason():
    """A call that would fail is refused with Python's message."""
    assert refusal(without_keywords, ["sender", "signal"]) is None
    assert "signal" in str(refusal(without_keywords, ["sender"]))
    assert "extra" in str(refusal(without_keywords, ["sender", "signal", "extra"]))
    assert refusal(Owner().narrow, ["sender"]) is None


def test_a_callable_without_a_signature_is_accepted():
    """A callable without a signature is not refused."""
    assert signature_of(dict) is None
    assert refusal(dict, ["anything"]) is None


def test_requesting_a_keyword():
    """A receiver requests a keyword with a named parameter, not with **kwargs or a position."""
    assert asks_for(without_keywords, "signal")
    assert asks_for(lambda *, signal: None, "signal")
    assert asks_for(functools.partial(without_keywords, sender=1), "signal")
    assert not asks_for(plain, "signal")
    assert not asks_for(lambda signal, /: None, "signal")
    assert not asks_for(lambda *signal: None, "signal")
    assert not asks_for(dict, "signal")


@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations were evaluated at once")
def test_annotations_need_not_exist():
    """An annotation may name a type that only a type checker imports."""
    names: dict[str, Any] = {}
    source = "def receiver(sender: OnlyForCheckers, **kwargs): ..."
    exec(compile(source, "receivers.py", "exec", dont_inherit=True), names)  # noqa: S102
    signature = signature_of(functools.partial(names["receiver"]))
    assert signature is not None
    assert list(signature.parameters) == ["sender", "kwargs"]
