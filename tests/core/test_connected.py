"""`connected`: a receiver for the time of a `with` block."""

import pytest

from clarion import Signal, receiver
from clarion import signal as declare
from clarion.errors import ArgumentError, SignatureError
from clarion.introspect import explain, registrations
from tests.core.receivers import Sender, answers, in_thread


def first(sender, **kwargs):
    return "first"


def second(sender, **kwargs):
    return "second"


async def awaited(sender, **kwargs):
    return "awaited"


class TestBlock:
    """A receiver is connected while the block runs."""

    def test_the_receiver_is_called_in_the_block_only(self, signal, send):
        """Each of the four sends calls the receiver in the block, and none after it."""
        with signal.connected(first) as connected:
            assert connected is first
            assert answers(send(signal, None)) == ["first"]
        assert send(signal, None) == []
        assert registrations(signal) == []

    def test_async_receivers_too(self, signal, send):
        """An async receiver is awaited."""
        with signal.connected(awaited):
            assert answers(send(signal, None)) == ["awaited"]
        assert send(signal, None) == []

    def test_options_are_those_of_connect(self, signal):
        """A block takes the options of `connect`: sender, priority, and the rest."""
        signal.connect(first)
        with signal.connected(second, Sender, priority=5, once=True):
            assert answers(signal.send(None)) == ["first"]
            assert answers(signal.send(Sender)) == ["second", "first"]
            assert answers(signal.send(Sender)) == ["first"]
        with pytest.raises(ArgumentError, match="priority"), signal.connected(second, priorty=5):
            pass
        with pytest.raises(SignatureError), signal.connected(lambda: None):
            pass
        assert [each.live() for each in registrations(signal)] == [first]

    def test_several_senders_in_one_with(self, signal):
        """One `with` may connect the same receiver to several senders."""
        with signal.connected(first, sender="web"), signal.connected(first, sender="till"):
            assert answers(signal.send("web") + signal.send("till")) == ["first", "first"]
            assert signal.send("phone") == []
        assert not signal.has_listeners("web")

    def test_an_exception_ends_the_block(self, signal):
        """An exception passes through the block, and the receiver is disconnected."""
        with pytest.raises(ZeroDivisionError), signal.connected(first):
            _ = 1 / 0
        assert not signal.has_listeners()

    def test_the_block_holds_the_receiver(self, signal):
        """A block holds a lambda or the method of a fresh object, even with weak=True."""

        class Counter:
            def count(self, **kwargs):
                return "counted"

        with signal.connected(Counter().count), signal.connected(lambda **_: "weak", weak=True):
            assert sorted(answers(signal.send(None))) == ["counted", "weak"]
        assert not signal.has_listeners()

    def test_deliveries_are_bound(self, signal):
        """A delivery is bound, as by `connect`."""
        from tests.core.deliveries import Later

        later = Later()
        with signal.connected(first, delivery=later):
            assert answers(signal.send(None)) == ["kept"]
        assert later.run() == ["first"]


class TestExactUndo:
    """The end of a block removes what the block has connected."""

    def test_an_earlier_connect_stays(self, signal):
        """An earlier connect of the receiver keeps its options and its place."""
        signal.connect(first, priority=3)
        signal.connect(second)
        with signal.connected(first, priority=-3):
            assert answers(signal.send(None)) == ["first", "second"]
        assert answers(signal.send(None)) == ["first", "second"]

    def test_nested_blocks_are_one_receiver(self, signal):
        """Nested blocks call their receiver once, until the outermost block ends."""
        with signal.connected(first):
            with signal.connected(first):
                assert answers(signal.send(None)) == ["first"]
            assert answers(signal.send(None)) == ["first"]
        assert signal.send(None) == []

    def test_overlapping_blocks(self, signal):
        """Blocks of several threads may end in any order."""
        one, two = signal.connected(first), signal.connected(first)
        one.__enter__()
        two.__enter__()
        one.__exit__(None, None, None)
        assert answers(signal.send(None)) == ["first"]
        two.__exit__(None, None, None)
        assert signal.send(None) == []

    def test_one_object_may_be_entered_twice(self, signal):
        """One block object may be entered twice, one after the other or nested."""
        block = signal.connected(first)
        for _ in range(2):
            with block, block:
                assert answers(signal.send(None)) == ["first"]
            assert not signal.has_listeners()

    def test_a_connect_in_the_block_stays(self, signal):
        """A receiver that `connect` connects in the block stays after the block."""
        with signal.connected(first):
            signal.connect(first)
            assert answers(signal.send(None)) == ["first"]
        assert answers(signal.send(None)) == ["first"]

    def test_a_disconnect_in_the_block(self, signal):
        """A disconnect in the block takes effect at once."""
        with signal.connected(first):
            assert signal.disconnect(first)
            assert signal.send(None) == []
            assert not signal.disconnect(first)
        signal.connect(first)
        with signal.connected(first):
            assert signal.disconnect(first)
        assert signal.send(None) == []

    def test_a_uid_that_is_taken(self, signal):
        """If the uid is taken, its first receiver stays connected, as with `connect`."""
        signal.connect(first, dispatch_uid="mail")
        with signal.connected(second, dispatch_uid="mail"):
            assert answers(signal.send(None)) == ["first"]
        assert answers(signal.send(None)) == ["first"]

    def test_replace_is_for_the_block(self, signal):
        """replace=True lasts for the block; then the first receiver is back at its place."""
        signal.connect(first, dispatch_uid="mail")
        signal.connect(lambda **_: "last")
        with signal.connected(second, dispatch_uid="mail", replace=True):
            assert answers(signal.send(None)) == ["second", "last"]
            with signal.connected(awaited, dispatch_uid="mail", replace=True):
                assert answers(signal.send(None)) == ["last", "awaited"]
            assert answers(signal.send(None)) == ["second", "last"]
        assert answers(signal.send(None)) == ["first", "last"]

    def test_copies_have_no_block(self, signal):
        """A copy of a signal omits the receivers of blocks, which would stay connected."""
        from copy import copy

        with signal.connected(first):
            assert not copy(signal).has_listeners()


class TestExplain:
    """`explain`, `registrations` and reprs say what a send does."""

    def test_it_names_the_block(self, signal):
        """`explain` names the block and the context, and why a receiver is not called."""
        signal.connect(first)
        with signal.connected(second, context=True), signal.connected(first):
            here = explain(signal)
            there = in_thread(lambda: explain(signal))
        assert [verdict.name for verdict in here.heard] == [
            f"{__name__}.first",
            f"{__name__}.second",
        ]
        assert "connected for a block of one context" in str(here.heard[1])
        assert [verdict.name for verdict in there.heard] == [f"{__name__}.first"]
        assert sorted(verdict.reason for verdict in there.unheard) == [
            "is connected in another context only",
            "is connected twice, and the other connection counts here",
        ]

    def test_a_duplicate_without_a_context(self, signal):
        """`explain` says that a receiver is connected twice."""
        signal.connect(first)
        with signal.connected(first):
            assert "is connected twice" in explain(signal).unheard[0].reason

    def test_repr(self):
        """The repr has the names of signal, receiver and options, and no value of the program."""
        paid = Signal(name="shop.paid")
        with (block := paid.connected(first)):
            assert repr(block) == f"<shop.paid.connected({__name__}.first)>"
        block = paid.connected(
            first, Sender, dispatch_uid="mail", priority=3, replace=True, context=True
        )
        with block:
            pass
        assert repr(block) == (
            f"<shop.paid.connected({__name__}.first, sender=tests.core.receivers.Sender, "
            f"dispatch_uid='mail', priority=3, replace=True, context=True)>"
        )

    def test_declared_signals_have_it(self):
        """A declared signal checks the receiver when the block is entered."""

        @declare
        def paid(sender: str, *, order_id: int) -> None: ...

        def lacks(sender): ...

        with paid.connected(lambda sender, order_id: order_id):
            assert answers(paid.send("web", order_id=3)) == [3]
        with pytest.raises(SignatureError), paid.connected(lacks):  # type: ignore[arg-type]
            pass

    def test_the_error_for_blinkers_name(self, signal):
        """`connected_to` is refused, and the error names `connected`."""
        with pytest.raises(AttributeError, match=r"signal\.connected\(receiver"):
            signal.connected_to(first)


def test_subclasses_that_override_connect():
    """A block calls the `connect` that a subclass overrides."""
    seen = []

    class Noting(Signal):
        def connect(self, receiver=None, sender=None, *args, **options):
            seen.append(receiver)
            return super().connect(receiver, sender, *args, **options)

    noting = Noting()
    with noting.connected(first):
        assert answers(noting.send(None)) == ["first"]
    assert seen == [first]
    assert not noting.has_listeners()


def test_decorated_receivers(signal):
    """A receiver that a decorator has connected may have a block as well."""

    @receiver(signal, sender="web")
    def decorated(sender, **kwargs):
        return "decorated"

    with signal.connected(decorated, sender="web"), signal.connected(decorated):
        assert answers(signal.send("web")) == ["decorated", "decorated"]
        assert answers(signal.send("till")) == ["decorated"]
    assert answers(signal.send("web")) == ["decorated"]
    assert signal.send("till") == []
