"""on_commit: its options, what it offers, and how it gets on with the rest of the house."""

import asyncio
from typing import Any

import pytest

from clarion import Signal, on_commit, receiver
from clarion import signal as declared
from clarion.commit import BoundOnCommit, OnCommit, Scheduled, atomic
from clarion.errors import ArgumentError, SignatureError
from clarion.introspect import registrations
from clarion.testing import assert_sent, capture, muted, restored
from tests.commit.conftest import counts

pytestmark = pytest.mark.usefixtures("_no_doors")


def unhashable(**kwargs):
    """Return what is no key."""
    return []


class TestOptions:
    """on_commit(coalesce=..., using=...)."""

    def test_it_is_a_delivery_with_and_without_options(self, signal, heard):
        """on_commit, on_commit() and on_commit(...)."""
        for delivery in (on_commit(), OnCommit(), on_commit(coalesce=None, using=None)):
            heard.listen(signal, delivery=delivery)
        with atomic():
            signal.send(None, n=1)
            assert heard == []
        assert heard == [1, 1, 1, 1]

    def test_it_says_what_it_is(self):
        """As it was written."""
        assert repr(on_commit) == repr(on_commit()) == "on_commit"
        told = repr(on_commit(coalesce="order_id", using="default"))
        assert told == "on_commit(coalesce='order_id', using='default')"
        assert repr(on_commit(coalesce=["a", "b"])) == "on_commit(coalesce=['a', 'b'])"

    @pytest.mark.parametrize("using", [1, b"default", ["default"]])
    def test_an_alias_that_is_none(self, using, signal):
        """It is refused at connect."""
        with pytest.raises(ArgumentError, match="Give the alias of a database") as caught:
            signal.connect(print, delivery=on_commit(using=using))
        assert caught.value.names == ("using",)
        assert registrations(signal) == []

    @pytest.mark.parametrize("coalesce", [1, True, ["a", 1], {"a": 1}, {"a"}])
    def test_a_key_that_is_none(self, coalesce, signal):
        """It is refused at connect."""
        with pytest.raises(ArgumentError, match="Give the name of a keyword, a list") as caught:
            signal.connect(print, delivery=on_commit(coalesce=coalesce))
        assert caught.value.names == ("coalesce",)

    @pytest.mark.parametrize("coalesce", [(), []])
    def test_no_names(self, coalesce, signal):
        """A key of nothing is refused too."""
        with pytest.raises(ArgumentError, match=r"names no keyword of signal shop.paid"):
            signal.connect(print, delivery=on_commit(coalesce=coalesce))

    def test_options_are_keywords(self):
        """on_commit("order_id") would not say what it means."""
        with pytest.raises(TypeError):
            on_commit("order_id")  # type: ignore[call-arg]

    def test_the_decorator_takes_it(self, signal):
        """And hands the function back as it is."""

        def take(**kwargs):
            """Take."""

        assert receiver(signal, delivery=on_commit)(take) is take
        (registration,) = registrations(signal)
        assert isinstance(registration.delivery, BoundOnCommit)
        assert registration.delivery.delivery is on_commit


class TestCoalesce:
    """Once per key and commit."""

    def calls(self, signal, coalesce, *sends):
        """Return n of each call that these sends lead to."""
        found = []

        def take(n, **kwargs):
            found.append(n)

        signal.connect(take, delivery=on_commit(coalesce=coalesce))
        with atomic():
            for n, named in enumerate(sends):
                signal.send(None, n=n, **named)
        return found

    def test_by_a_name(self, signal):
        """The value of a keyword."""
        sends = [{"key": "a"}, {"key": "b"}, {"key": "a"}, {"key": None}, {"key": None}]
        assert self.calls(signal, "key", *sends) == [2, 1, 4]

    @pytest.mark.parametrize("names", [["x", "y"], ("x", "y")])
    def test_by_names(self, names, signal):
        """The values of several."""
        sends = [{"x": 1, "y": 1}, {"x": 1, "y": 2}, {"x": 1, "y": 1}]
        assert self.calls(signal, names, *sends) == [2, 1]

    def test_by_a_function(self, signal):
        """What it returns, called with the keywords; None is a key as any other."""

        def key(n, **kwargs):
            assert set(kwargs) == {"sender", "signal"}
            return n % 2 or None

        assert self.calls(signal, key, {}, {}, {}) == [2, 1]

    def test_by_the_sender(self, signal, heard):
        """Which is a keyword too."""
        assert self.calls(signal, "sender", {}, {}) == [1]

    def test_a_missing_keyword(self, signal, heard):
        """The send is refused, with the receiver and the cure."""
        signal.connect(lambda **kwargs: None, delivery=on_commit(coalesce=["n", "key"]))
        with (
            atomic(),
            pytest.raises(ArgumentError, match="was sent without key, by which") as caught,
        ):
            signal.send(None, n=1)
        assert caught.value.names == ("key",)
        assert "<lambda>" in caught.value.__notes__[0]
        ((_, scheduled), (_, error)) = signal.send_robust(None, n=1)
        assert scheduled.status == "ran"
        assert isinstance(error, ArgumentError)

    @pytest.mark.parametrize("coalesce", ["key", ["n", "key"], unhashable])
    def test_an_unhashable_key(self, coalesce, signal):
        """The send is refused: the type is told, and no value."""
        signal.connect(lambda **kwargs: None, delivery=on_commit(coalesce=coalesce))
        with pytest.raises(ArgumentError, match="'list' objects, which are unhashable") as caught:
            signal.send(None, n=1, key=["s3cret"])
        assert "s3cret" not in str(caught.value)

    def test_a_key_function_that_raises(self, signal):
        """The sender hears of it, before anything is scheduled."""

        def broken(**kwargs):
            raise LookupError("no")

        signal.connect(lambda **kwargs: None, delivery=on_commit(coalesce=broken))
        with atomic(), pytest.raises(LookupError):
            signal.send(None)
        assert counts(signal) == {}

    def test_two_receivers_have_keys_of_their_own(self, signal, heard):
        """Even if they share a delivery."""
        shared = on_commit(coalesce="key")
        heard.listen(signal, delivery=shared, name="one")
        heard.listen(signal, delivery=shared, name="two")
        with atomic():
            signal.send(None, n=1, key="a")
            signal.send(None, n=2, key="a")
        assert heard == [1, ("one", 2), ("two", 2), 2]

    def test_one_receiver_of_several_signals(self):
        """A page that has changed is made once, whatever has changed it."""
        saved, deleted, calls = Signal(name="saved"), Signal(name="deleted"), []

        @receiver([saved, deleted], delivery=on_commit(coalesce="page"))
        def make(signal, page, sends, **kwargs):
            calls.append((signal.name, page, [each["signal"].name for each in sends]))

        with atomic():
            saved.send(None, page=1)
            deleted.send(None, page=1)
            saved.send(None, page=2)
        assert calls == [("deleted", 1, ["saved", "deleted"]), ("saved", 2, ["saved"])]

    def test_methods_of_two_objects_are_two(self, signal):
        """A bound method is known by its object."""
        calls = []

        class Listener:
            def take(self, **kwargs):
                calls.append(self)

        listeners = [Listener(), Listener()]
        for listener in listeners:
            signal.connect(listener.take, delivery=on_commit(coalesce="key"))
        with atomic():
            signal.send(None, key=1)
            signal.send(None, key=1)
        assert calls == listeners

    def test_async_receivers(self, signal):
        """Awaited once, with all sends."""
        calls = []

        async def take(sends, **kwargs):
            calls.append([each["n"] for each in sends])

        signal.connect(take, delivery=on_commit(coalesce="key"))

        async def main():
            async with atomic():
                await signal.asend(None, n=1, key=1)
                signal.send(None, n=2, key=1)

        asyncio.run(main())
        assert calls == [[1, 2]]

    def test_at_once(self, signal):
        """Outside of any block there is one send, and a list of one."""
        calls = []
        signal.connect(
            lambda sends, **kwargs: calls.append([each["n"] for each in sends]),
            delivery=on_commit(coalesce="key"),
        )
        signal.send(None, n=1, key=1)
        assert calls == [[1]]


def untyped(receiver: Any) -> Any:
    """Return a receiver that asks for more than is declared, which no type can say."""
    return receiver


@declared(name="shop.ordered")
def ordered(sender: object, *, order_id: int) -> None:
    """An order was made."""


class TestDeclared:
    """Receivers of declared signals, which are checked at connect."""

    def test_they_need_no_kwargs(self):
        """And get `signal` only if they ask for it."""
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

    def test_a_keyword_to_coalesce_by_has_to_be_declared(self):
        """At connect, where it can be mended; the sender may be one."""

        def take(sender, order_id):
            """Take."""

        with restored():
            with pytest.raises(ArgumentError, match=r"names no keyword of signal shop.ordered"):
                ordered.connect(take, delivery=on_commit(coalesce="orderid"))
            with pytest.raises(ArgumentError) as caught:
                ordered.connect(take, delivery=on_commit(coalesce=["order_id", "x"]))
            assert caught.value.names == ("coalesce", "x")
            ordered.connect(take, delivery=on_commit(coalesce=["order_id", "sender"]))

    def test_sends_is_offered_where_they_are_merged(self):
        """Without coalesce= nobody would give it, which is said at connect."""
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

    def test_session_is_offered(self):
        """At connect; at the send it is refused where there is none to give, unless need be none."""

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
                ArgumentError, match="asks for a session, and no transaction has"
            ) as e:
                ordered.send(None, order_id=1)
            assert e.value.names == ("session",)

    def test_what_is_not_offered_is_refused(self):
        """As without a delivery."""

        @untyped
        def take(sender, order_id, colour):
            """Take."""

        with restored(), pytest.raises(SignatureError, match="colour"):
            ordered.connect(take, delivery=on_commit(coalesce="order_id"))

    def test_a_signal_that_declares_such_a_keyword(self):
        """The sender's own `session` is what the receiver gets."""

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
    """clarion.testing, with receivers that run after the commit."""

    def test_captured_sends_show_what_was_scheduled(self, signal, heard):
        """The responses are those of the send, each as far as it is now."""
        with capture(signal) as sent, atomic():
            signal.send("web", n=1)
            assert_sent(sent, signal, sender="web", n=1, times=1)
            ((_, scheduled),) = sent[0].responses
            assert isinstance(scheduled, Scheduled)
            assert scheduled.status == "waiting"
        assert scheduled.status == "ran"

    def test_muted_receivers_are_not_scheduled(self, signal, heard):
        """What counts is the send, not the commit."""
        with atomic():
            with muted(signal):
                assert signal.send(None, n=1) == []
            signal.send(None, n=2)
        with atomic():
            signal.send(None, n=3)
            with muted(signal):
                pass
        assert heard == [2, 3]

    def test_muted_at_the_commit(self, signal, heard):
        """What was sent before is still due."""
        block = atomic()
        block.__enter__()
        signal.send(None, n=1)
        with muted(signal):
            block.__exit__(None, None, None)
        assert heard == [1]

    def test_muted_async_ones_are_no_reason_to_refuse(self, signal, heard):
        """Nobody would have to await them."""
        take = heard.listen_async(signal, name="async")

        async def main():
            with muted(take), atomic():
                signal.send(None, n=1)
                await signal.asend(None, n=2)

        asyncio.run(main())
        assert heard == [1, 2]

    def test_spent_async_ones_are_none_either(self, signal, heard):
        """once=True, and it was."""
        take = heard.listen_async(signal, name="once", once=True)
        registrations(signal)[1].claim()

        async def main():
            with atomic():
                signal.send(None, n=1)

        asyncio.run(main())
        assert heard == [1]
        assert signal.disconnect(take)

    def test_restored_puts_back_the_delivery(self, signal, heard):
        """Who was disconnected in the block runs after the commit again."""
        (registration,) = registrations(signal)
        with restored():
            signal.disconnect(registration.live())
            heard.listen(signal, name="now", delivery=None)
        assert registrations(signal) == [registration]
        with atomic():
            signal.send(None, n=1)
            assert heard == []
        assert heard == [1]

    def test_restored_gives_once_its_call_again(self, signal, heard):
        """Also if it was had after a commit."""
        heard.listen(signal, name="once", once=True)
        for _ in range(2):
            with restored(), atomic():
                signal.send(None, n=1)
        assert heard == [1, ("once", 1)] * 2
