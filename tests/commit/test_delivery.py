"""on_commit: its options, what it provides, and how it works with clarion.testing."""

import asyncio
from typing import Any

import pytest

from clarion import on_commit, receiver
from clarion import signal as declared
from clarion.commit import BoundOnCommit, OnCommit, Scheduled, atomic
from clarion.errors import ArgumentError, SignatureError
from clarion.introspect import registrations
from clarion.testing import assert_sent, capture, muted, restored

pytestmark = pytest.mark.usefixtures("_plain_python")


def by_n(n, **kwargs):
    return n


class TestOptions:
    """on_commit(coalesce=..., using=...)."""

    def test_delivery_with_and_without_options(self, signal, calls):
        """on_commit can be given as it is, called without options, and called with options."""
        for delivery in (on_commit(), OnCommit(), on_commit(coalesce=None, using=None)):
            calls.listen(signal, delivery=delivery)
        with atomic():
            signal.send(None, n=1)
            assert calls == []
        assert calls == [1, 1, 1, 1]

    def test_repr(self):
        """The repr of a delivery shows the options that were given."""
        assert repr(on_commit) == repr(on_commit()) == "on_commit"
        shown = repr(on_commit(coalesce="order_id", using="default"))
        assert shown == "on_commit(coalesce='order_id', using='default')"
        assert repr(on_commit(coalesce=["a", "b"])) == "on_commit(coalesce=['a', 'b'])"
        assert repr(on_commit(coalesce=by_n)) == f"on_commit(coalesce={__name__}.by_n)"

    def test_repr_of_a_bound_delivery(self, signal, calls):
        """The repr of a bound delivery shows options and counts, and no keys or keywords."""
        calls.listen(signal, delivery=on_commit(coalesce=by_n))
        registration = registrations(signal)[-1]
        shown = f"on_commit(coalesce={__name__}.by_n)"
        assert repr(registration.delivery) == f"<BoundOnCommit of {shown}>"
        with atomic():
            signal.send(None, n="hunter2")
            signal.send(None, n="hunter2")
        assert repr(registration.delivery) == (
            f"<BoundOnCommit of {shown}, 2 scheduled, 1 ran, 1 merged>"
        )
        assert repr(registration).endswith(f"delivery {shown}>")

    @pytest.mark.parametrize("using", [1, b"default", ["default"]])
    def test_wrong_alias_is_refused(self, using, signal):
        """connect refuses an alias that is not a string."""
        with pytest.raises(ArgumentError, match="Give the alias of a database") as caught:
            signal.connect(print, delivery=on_commit(using=using))
        assert caught.value.names == ("using",)
        assert registrations(signal) == []

    def test_options_are_keywords(self):
        """A positional option is refused."""
        with pytest.raises(ArgumentError, match="Give its options by name"):
            on_commit("order_id")  # type: ignore[arg-type]

    def test_decorator(self, signal):
        """The decorator returns the function itself."""

        def take(**kwargs):
            """Take."""

        assert receiver(signal, delivery=on_commit)(take) is take
        (registration,) = registrations(signal)
        assert isinstance(registration.delivery, BoundOnCommit)
        assert registration.delivery.delivery is on_commit


def untyped(receiver: Any) -> Any:
    """Return a receiver with parameters that its type cannot declare."""
    return receiver


@declared(name="shop.ordered")
def ordered(sender: object, *, order_id: int) -> None:
    """An order was made."""


class TestDeclared:
    """Receivers of declared signals, checked at connect."""

    def test_receiver_without_kwargs(self):
        """A receiver without **kwargs gets `signal` if it has this parameter."""
        calls = []

        def plain(sender, order_id):
            calls.append(order_id)

        def asking(sender, order_id, signal=None):
            calls.append(signal)

        with restored():
            ordered.connect(plain, delivery=on_commit)
            ordered.connect(asking, delivery=on_commit)
            with atomic():
                ordered.send(None, order_id=1)
                assert calls == []
            assert calls == [1, ordered]

    def test_sends_is_provided_with_coalesce(self):
        """Without coalesce= a receiver with `sends` is refused at connect."""
        calls = []

        @untyped
        def take(sender, order_id, sends):
            calls.append(sends)

        with restored():
            for delivery in (None, on_commit, on_commit(using="default")):
                with pytest.raises(
                    SignatureError, match=r"cannot be called by signal shop.ordered"
                ):
                    ordered.connect(take, delivery=delivery)
            ordered.connect(take, delivery=on_commit(coalesce="order_id"))
            with atomic():
                ordered.send("web", order_id=1)
                ordered.send("app", order_id=1)
        assert calls == [[{"order_id": 1, "sender": "web"}, {"order_id": 1, "sender": "app"}]]

    def test_session_is_provided(self):
        """A send without a session is refused, if `session` has no default."""

        @untyped
        def needs(sender, order_id, session):
            """Need one."""

        calls = []

        def likes(sender, order_id, session=None):
            calls.append(session)

        with restored():
            with pytest.raises(SignatureError):
                ordered.connect(needs)
            ordered.connect(likes, delivery=on_commit)
            ordered.send(None, order_id=1)
            assert calls == [None]
            ordered.connect(needs, delivery=on_commit)
            with pytest.raises(
                ArgumentError, match="asks for a session, and no transaction has one to give"
            ) as e:
                ordered.send(None, order_id=1)
            assert e.value.names == ("session",)

    def test_other_parameters_are_refused(self):
        """connect refuses a parameter that neither the signal nor the delivery provides."""

        @untyped
        def take(sender, order_id, colour):
            """Take."""

        with restored(), pytest.raises(SignatureError, match="colour"):
            ordered.connect(take, delivery=on_commit(coalesce="order_id"))

    def test_declared_session(self):
        """A `session` keyword of the send has priority."""

        @declared
        def flushed(sender: object, *, session: str) -> None:
            """A session was flushed."""

        calls = []

        @untyped
        def take(sender, session):
            calls.append(session)

        flushed.connect(take, delivery=on_commit)
        flushed.send(None, session="mine")
        assert calls == ["mine"]


class TestTesting:
    """clarion.testing with on_commit receivers."""

    def test_capture_has_the_scheduled_calls(self, signal, calls):
        """`capture` has the scheduled calls, each with its current status."""
        with capture(signal) as sent, atomic():
            signal.send("web", n=1)
            assert_sent(sent, signal, sender="web", n=1, times=1)
            ((_, scheduled),) = sent[0].responses
            assert isinstance(scheduled, Scheduled)
            assert scheduled.status == "waiting"
        assert scheduled.status == "ran"

    def test_muted_receivers_are_not_scheduled(self, signal, calls):
        """Only receivers that are muted at the send are not called after the commit."""
        with atomic():
            with muted(signal):
                assert signal.send(None, n=1) == []
            signal.send(None, n=2)
        with atomic():
            signal.send(None, n=3)
            with muted(signal):
                pass
        assert calls == [2, 3]

    def test_mute_during_the_commit(self, signal, calls):
        """Receivers that are muted at the commit get the calls of earlier sends."""
        block = atomic()
        block.__enter__()
        signal.send(None, n=1)
        with muted(signal):
            block.__exit__(None, None, None)
        assert calls == [1]

    def test_muted_async_receiver_is_not_refused(self, signal, calls):
        """A sync send in an event loop is accepted if its async receiver is muted."""
        take = calls.listen_async(signal, name="async")

        async def main():
            with muted(take), atomic():
                signal.send(None, n=1)
                await signal.asend(None, n=2)

        asyncio.run(main())
        assert calls == [1, 2]

    def test_spent_async_receiver_is_not_refused(self, signal, calls):
        """A sync send in an event loop is accepted if its once=True receiver was called."""
        take = calls.listen_async(signal, name="once", once=True)
        registrations(signal)[1].claim()

        async def main():
            with atomic():
                signal.send(None, n=1)

        asyncio.run(main())
        assert calls == [1]
        assert signal.disconnect(take)

    def test_restored_restores_the_delivery(self, signal, calls):
        """A receiver disconnected in the block runs after commits again."""
        (registration,) = registrations(signal)
        with restored():
            signal.disconnect(registration.live())
            calls.listen(signal, name="now", delivery=None)
        assert registrations(signal) == [registration]
        with atomic():
            signal.send(None, n=1)
            assert calls == []
        assert calls == [1]

    def test_restored_renews_once(self, signal, calls):
        """A receiver with `once` runs again after `restored`, also if its call ran after a commit."""
        calls.listen(signal, name="once", once=True)
        for _ in range(2):
            with restored(), atomic():
                signal.send(None, n=1)
        assert calls == [1, ("once", 1)] * 2
