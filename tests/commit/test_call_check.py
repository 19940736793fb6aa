"""A send is refused if its receiver could not be called after the commit."""

import asyncio
import functools
import gc
import weakref
from contextlib import nullcontext

import pytest

from clarion import Signal, on_commit
from clarion.commit import Boundary, TransactionProvider, atomic, register_provider, suppressed
from clarion.errors import ArgumentError, BoundaryError
from clarion.introspect import explain
from clarion.policy import Policy
from tests.commit.conftest import counts, only
from tests.commit.fakes import FakeBoundary

pytestmark = pytest.mark.usefixtures("_plain_python")


def needs_missing(sender, *, missing, **kwargs):
    """Require a keyword."""


async def aneeds_missing(sender, *, missing, **kwargs):
    """Require a keyword."""


def needs_session(sender, session, **kwargs):
    """Require a session."""


def send(how, signal, **kwargs):
    """Send in one of four ways; return the error of a robust one."""
    if how == "send":
        return signal.send(None, **kwargs)
    if how == "asend":
        return asyncio.run(signal.asend(None, **kwargs))
    robust = signal.send_robust if how == "send_robust" else signal.asend_robust
    found = robust(None, **kwargs)
    ((_, response),) = found if how == "send_robust" else asyncio.run(found)
    raise response


@pytest.mark.parametrize(
    ("how", "block"),
    [
        ("send", nullcontext),
        ("send", atomic),
        ("send_robust", nullcontext),
        ("send_robust", atomic),
        ("asend", nullcontext),
        ("asend_robust", nullcontext),
    ],
)
@pytest.mark.parametrize("receiver", [needs_missing, aneeds_missing])
@pytest.mark.parametrize("coalesce", [None, "n"])
def test_a_missing_keyword(how, block, receiver, coalesce, signal, log):
    """The send raises, names the receiver and the keyword, and schedules nothing."""
    signal.connect(receiver, delivery=on_commit(coalesce=coalesce))
    with block(), pytest.raises(ArgumentError, match="requires missing, which signal") as caught:
        send(how, signal, n=1)
    assert receiver.__name__ in str(caught.value)
    assert caught.value.names == ("missing",)
    assert counts(signal) == {}
    signal.disconnect(receiver)


def test_in_an_awaited_block(signal):
    """A send in an async block is refused as in a sync one."""
    signal.connect(aneeds_missing, delivery=on_commit)

    async def main():
        async with atomic():
            await signal.asend(None)

    with pytest.raises(ArgumentError, match="requires missing"):
        asyncio.run(main())


def test_a_keyword_that_is_given(signal):
    """A receiver whose keyword the send gives waits for the commit."""
    signal.connect(needs_missing, delivery=on_commit)
    with atomic():
        assert only(signal.send(None, missing=1)).status == "waiting"


def test_sends_without_coalesce(signal):
    """Only a delivery that merges calls gives a receiver `sends`."""
    calls = []

    def take(sends, **kwargs):
        calls.append(len(sends))

    signal.connect(take, delivery=on_commit)
    with pytest.raises(ArgumentError, match="requires sends"):
        signal.send(None, n=1)
    signal.disconnect(take)
    signal.connect(take, delivery=on_commit(coalesce="n"))
    signal.send(None, n=1)
    assert calls == [1]


@pytest.mark.parametrize("outside", ["run", "skip", "refuse"])
class TestOutside:
    """Sends where no transaction is open."""

    def test_a_missing_keyword(self, outside, signal):
        """A missing keyword is refused with each option, because a commit would not add it."""
        signal.connect(needs_missing, delivery=on_commit(outside=outside))
        with pytest.raises(ArgumentError, match="requires missing"):
            signal.send(None)

    def test_a_session(self, outside, signal):
        """A receiver that needs a session is refused only if it would run."""
        signal.connect(needs_session, delivery=on_commit(outside=outside))
        if outside == "skip":
            assert only(signal.send(None)).status == "dropped"
            return
        error, text = {
            "run": (ArgumentError, "asks for a session"),
            "refuse": (BoundaryError, "no transaction is open here"),
        }[outside]
        with pytest.raises(error, match=text):
            signal.send(None)

    def test_a_session_in_a_block_without_sessions(self, outside, signal):
        """A block that provides no session refuses a receiver that needs one."""
        signal.connect(needs_session, delivery=on_commit(outside=outside))
        with atomic(), pytest.raises(ArgumentError, match=r"an atomic\(\) block has none to give"):
            signal.send(None)


@pytest.mark.parametrize("receiver", [needs_missing, needs_session])
def test_suppressed(receiver, signal):
    """A suppressed receiver requires nothing, because it is not called."""
    signal.connect(receiver, delivery=on_commit)
    with suppressed(reason="a test") as quiet:
        assert only(signal.send(None)).status == "suppressed"
    assert quiet.count == 1


def test_explain(signal):
    """`explain` names the session that nothing provides."""
    signal.connect(needs_session, delivery=on_commit)
    fault = "runs never, because it asks for a session, and no transaction has one to give"
    assert fault in str(explain(signal))
    assert "never" not in str(explain(signal, session=object()))


def test_a_wrapper_that_adds_arguments(signal):
    """The function in a wrapper may require arguments that the wrapper adds."""
    calls = []

    def inside(sender, tool, **kwargs):
        calls.append(tool)

    @functools.wraps(inside)
    def with_tool(**kwargs):
        return inside(tool="mine", **kwargs)

    signal.connect(with_tool, delivery=on_commit)
    signal.send(None)
    assert calls == ["mine"]


class Anything(Policy):
    """A policy that checks no receiver."""

    __slots__ = ()

    def check_receiver(self, signal, receiver, provided=(), flags=0):
        """Accept it."""


class Unchecked:
    """Receivers that a signal like Django's does not check at connect."""

    def few(sender, n):  # noqa: N805
        """Accept no other keyword."""

    def positional(sender, /, **kwargs):  # noqa: N805
        """Require an argument by position."""


@pytest.mark.parametrize(
    ("receiver", "text"),
    [
        (Unchecked.few, "does not accept signal, which signal shop.paid was sent with. Add "),
        (Unchecked.positional, "requires one by position. Remove the `/`"),
    ],
)
def test_a_receiver_that_connect_has_not_checked(receiver, text, signal, monkeypatch):
    """The send refuses what a check at connect would have refused."""
    monkeypatch.setattr(signal._table, "policy", Anything())
    signal.connect(receiver, delivery=on_commit)
    with pytest.raises(ArgumentError, match=text):
        signal.send(None, n=1)


def test_what_a_boundary_adds(signal):
    """The arguments that a boundary adds count as given."""

    class Adding(FakeBoundary):
        adds = ("missing",)

        def call_receiver(self, call):
            return call.receiver(**call.call_arguments(), missing=1)

    class Provider(TransactionProvider):
        def boundary_of_send(self, signal, arguments):
            return Adding("adding", is_open=False), "it is the only one"

    signal.connect(needs_missing, delivery=on_commit)
    register_provider(Provider())
    assert only(signal.send(None)).status == "ran"


def test_the_plain_boundary_gives_nothing():
    """A plain boundary provides no session, and adds no arguments."""
    boundary = Boundary()
    assert not boundary.gives_session(is_async=False)
    assert tuple(boundary.adds) == ()


def test_a_signal_is_freed_without_the_collector():
    """The check holds neither the receiver nor the signal."""

    class Listener:
        def take(self, sender, order_id, **kwargs):
            """Take."""

    signal, listener = Signal(), Listener()
    signal.connect(listener.take, delivery=on_commit(coalesce=lambda order_id, **kwargs: order_id))
    signal.send(None, order_id=1)
    gone = weakref.ref(signal), weakref.ref(listener)
    gc.disable()
    try:
        del signal, listener
        assert [each() for each in gone] == [None, None]
    finally:
        gc.enable()


def test_a_wrapper_that_adds_nothing(signal):
    """A send is refused if it lacks what the function in a wrapper requires."""

    def inside(sender, order, **kwargs):
        """Require a keyword."""

    @functools.wraps(inside)
    def timed(*args, **kwargs):
        return inside(*args, **kwargs)

    signal.connect(timed, delivery=on_commit)
    with atomic():
        with pytest.raises(ArgumentError, match="requires order, which signal"):
            signal.send(None)
        signal.send(None, order=1)


def test_merged_sends_need_a_key(signal):
    """A receiver with `sends` is connected without `coalesce`, which the message names."""
    signal.connect(lambda sends, **kwargs: None, delivery=on_commit)
    with pytest.raises(ArgumentError, match=r"requires sends, .* on_commit\(coalesce=\.\.\.\)"):
        signal.send(None)
