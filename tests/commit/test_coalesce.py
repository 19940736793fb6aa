"""The keys by which calls are merged."""

import asyncio
from typing import Any

import pytest

from clarion import Signal, on_commit, receiver
from clarion import signal as declared
from clarion.commit import atomic
from clarion.errors import ArgumentError
from clarion.testing import restored
from tests.commit.conftest import counts

pytestmark = pytest.mark.usefixtures("_plain_python")


def unhashable(**kwargs):
    """Return a key that is unhashable."""
    return []


class TestOptions:
    """on_commit(coalesce=...)."""

    @pytest.mark.parametrize("coalesce", [1, True, ["a", 1], {"a": 1}, {"a"}])
    def test_wrong_type_is_refused(self, coalesce, signal):
        """connect refuses a key of the wrong type."""
        with pytest.raises(ArgumentError, match="Give the name of a keyword, a list") as caught:
            signal.connect(print, delivery=on_commit(coalesce=coalesce))
        assert caught.value.names == ("coalesce",)

    @pytest.mark.parametrize("coalesce", [(), []])
    def test_empty_list_is_refused(self, coalesce, signal):
        """connect refuses an empty list of keys."""
        with pytest.raises(ArgumentError, match=r"names no keyword of signal shop.paid"):
            signal.connect(print, delivery=on_commit(coalesce=coalesce))


class TestCoalesce:
    """Calls with the same key run once per commit."""

    def calls(self, signal, coalesce, *sends):
        """Send these in one transaction; return the `n` of each call."""
        found = []

        def take(n, **kwargs):
            found.append(n)

        signal.connect(take, delivery=on_commit(coalesce=coalesce))
        with atomic():
            for n, named in enumerate(sends):
                signal.send(None, n=n, **named)
        return found

    def test_by_a_name(self, signal):
        """Calls with the same value of a keyword are merged."""
        sends = [{"key": "a"}, {"key": "b"}, {"key": "a"}, {"key": None}, {"key": None}]
        assert self.calls(signal, "key", *sends) == [2, 1, 4]

    @pytest.mark.parametrize("names", [["x", "y"], ("x", "y")])
    def test_by_names(self, names, signal):
        """Calls with the same values of several keywords are merged."""
        sends = [{"x": 1, "y": 1}, {"x": 1, "y": 2}, {"x": 1, "y": 1}]
        assert self.calls(signal, names, *sends) == [2, 1]

    def test_by_a_function(self, signal):
        """The function returns the key; None is a key."""

        def key(n, **kwargs):
            assert set(kwargs) == {"sender", "signal"}
            return n % 2 or None

        assert self.calls(signal, key, {}, {}, {}) == [2, 1]

    def test_by_the_sender(self, signal, calls):
        """Calls of the same sender are merged, because the sender is a keyword, too."""
        assert self.calls(signal, "sender", {}, {}) == [1]

    def test_missing_keyword(self, signal, calls):
        """A send without the keyword of the key is refused, and the keyword is named."""
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
    def test_unhashable_key(self, coalesce, signal):
        """An unhashable key is refused at the send, by its type and without its value."""
        signal.connect(lambda **kwargs: None, delivery=on_commit(coalesce=coalesce))
        with pytest.raises(ArgumentError, match="'list' objects, which are unhashable") as caught:
            signal.send(None, n=1, key=["s3cret"])
        assert "s3cret" not in str(caught.value)

    def test_key_function_that_raises(self, signal):
        """The error of a key function is raised before a call is scheduled."""

        def broken(**kwargs):
            raise LookupError("no")

        signal.connect(lambda **kwargs: None, delivery=on_commit(coalesce=broken))
        with atomic(), pytest.raises(LookupError):
            signal.send(None)
        assert counts(signal) == {}

    def test_two_receivers_are_not_merged(self, signal, calls):
        """Calls of two receivers are separate, even with one delivery."""
        shared = on_commit(coalesce="key")
        calls.listen(signal, delivery=shared, name="one")
        calls.listen(signal, delivery=shared, name="two")
        with atomic():
            signal.send(None, n=1, key="a")
            signal.send(None, n=2, key="a")
        assert calls == [1, ("one", 2), ("two", 2), 2]

    def test_one_receiver_of_several_signals(self):
        """The calls of one receiver are merged across its signals."""
        saved, deleted, calls = Signal(name="saved"), Signal(name="deleted"), []

        @receiver([saved, deleted], delivery=on_commit(coalesce="page"))
        def make(signal, page, sends, **kwargs):
            calls.append((signal.name, page, [each["signal"].name for each in sends]))

        with atomic():
            saved.send(None, page=1)
            deleted.send(None, page=1)
            saved.send(None, page=2)
        assert calls == [("deleted", 1, ["saved", "deleted"]), ("saved", 2, ["saved"])]

    def test_methods_of_two_objects_are_not_merged(self, signal):
        """Methods of two objects are not merged, because the object is part of the key."""
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
        """An async receiver is awaited once, with all sends."""
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

    def test_without_a_transaction(self, signal):
        """Without a transaction each send is a call of its own, with one item in `sends`."""
        calls = []
        signal.connect(
            lambda sends, **kwargs: calls.append([each["n"] for each in sends]),
            delivery=on_commit(coalesce="key"),
        )
        signal.send(None, n=1, key=1)
        assert calls == [[1]]


def untyped(receiver: Any) -> Any:
    """Return a receiver with parameters that its type cannot declare."""
    return receiver


@declared(name="shop.ordered")
def ordered(sender: object, *, order_id: int) -> None:
    """An order was made."""


class TestDeclared:
    """Signals that declare their keywords."""

    def test_undeclared_keyword_is_refused(self):
        """`connect` refuses a key that the signal does not declare, except the sender."""

        def take(sender, order_id):
            """Take."""

        with restored():
            with pytest.raises(ArgumentError, match=r"names no keyword of signal shop.ordered"):
                ordered.connect(take, delivery=on_commit(coalesce="orderid"))
            with pytest.raises(ArgumentError) as caught:
                ordered.connect(take, delivery=on_commit(coalesce=["order_id", "x"]))
            assert caught.value.names == ("coalesce", "x")
            ordered.connect(take, delivery=on_commit(coalesce=["order_id", "sender"]))


class UnequalKey:
    """A key that cannot be compared with one of another type."""

    def __init__(self, value):
        self.value = value

    def __hash__(self):
        return 1

    def __eq__(self, other):
        if type(self.value) is not type(other.value):
            raise TypeError("s3cret")
        return self.value == other.value


def test_key_that_cannot_be_compared(signal, calls, log):
    """A call whose key cannot be compared is logged and not merged; other receivers run."""
    keyed = []
    signal.connect(
        lambda key, **kwargs: keyed.append(key.value), delivery=on_commit(coalesce="key")
    )
    with atomic():
        for n, key in enumerate(["1", 1, "1"]):
            signal.send(None, n=n, key=UnequalKey(key))
    assert calls == [0, 1, 2]
    assert sorted(map(str, keyed)) in (["1", "1"], ["1", "1", "1"])
    assert "raised TypeError when it was compared, so this call is not merged" in log[0]
    assert "s3cret" not in log.caplog.text


def test_key_whose_hash_raises_is_refused(signal):
    """A key whose __hash__ raises any exception is refused at the send."""

    class NoHash:
        def __hash__(self):
            raise ValueError("s3cret")

    signal.connect(lambda **kwargs: None, delivery=on_commit(coalesce="key"), weak=False)
    with atomic(), pytest.raises(ArgumentError, match="which are unhashable"):
        signal.send(None, key=NoHash())
