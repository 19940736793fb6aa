"""The checks refuse wrong objects with clear errors."""

import functools
from typing import Any
from unittest import mock

import pytest

from clarion import DeclaredSignal, Signal, on_commit, receiver, signal
from clarion._core.checks import (
    check_sender,
    check_signal,
    check_subclasses,
    collection_message,
)
from clarion.commit import OnCommit
from clarion.errors import (
    ArgumentError,
    DeclarationError,
    NotCallableError,
    SenderError,
    SignatureError,
)
from tests.core.receivers import Sender


def test_a_signal_is_returned():
    """A signal is returned; any other object is refused by the name of its type."""
    made = Signal()
    assert check_signal(made) is made
    with pytest.raises(
        ArgumentError, match=r"an object is not a signal that Clarion dispatches\. Give"
    ):
        check_signal(object())


def generate(sender, order_id=0, **kwargs):
    """Run nothing when called."""
    yield sender


async def generate_async(sender, order_id=0, **kwargs):
    """Run nothing when called."""
    yield sender


class Generator:
    """An object whose call runs nothing."""

    def __call__(self, sender, order_id=0, **kwargs):
        yield sender

    def method(self, sender, order_id=0, **kwargs):
        """Run nothing when called."""
        yield sender

    @staticmethod
    def static(sender, order_id=0, **kwargs):
        """Run nothing when called."""
        yield sender


class Model:
    """A class that accepts any keyword, as a model does."""

    def __init__(self, **kwargs):
        pass

    def on_paid(self, sender, order_id=0, **kwargs):
        """Handle a send, with its object."""

    def with_self_only(self, **kwargs):
        """Handle a send, with its object."""

    async def on_paid_async(self, sender, order_id=0, **kwargs):
        """Handle a send, with its object."""

    @functools.cache  # noqa: B019
    def cached(self, **kwargs):
        """Handle a send, with its object."""


def kind(value):
    """Return the name of the type of a value."""
    return type(value).__name__


def decorated(function):
    """Return a function that calls another one."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


class Handler:
    """A class that is a receiver: its constructor handles the send."""

    def __init__(self, sender, order_id=0, **kwargs):
        self.sender = sender


@signal
def declared(sender, *, order_id: int = 0):
    """Declare one keyword."""


@pytest.fixture(params=["plain", "declared"])
def paid(request):
    """Return a plain signal, or a declared one without receivers."""
    return Signal() if request.param == "plain" else type(declared)(declared.__wrapped__)


GENERATORS = {
    "generator": generate,
    "async generator": generate_async,
    "object": Generator(),
    "method": Generator().method,
    "static method": Generator.static,
    "partial": functools.partial(generate, extra=1),
    "partial of a method": functools.partial(Generator().method, extra=1),
    "lambda": lambda **kwargs: (yield),
}


@pytest.mark.parametrize("given", GENERATORS.values(), ids=GENERATORS)
def test_a_generator_function_is_refused(paid, given):
    """A generator function is refused because a call would not run its body."""
    with pytest.raises(SignatureError, match=r"generator function.*Remove the yield") as raised:
        paid.connect(given)
    assert raised.value.receiver is given
    assert not paid.has_listeners()


def test_a_wrapper_of_a_generator_is_accepted(paid):
    """A function that wraps a generator function is accepted because its call runs."""
    paid.connect(decorated(generate))
    assert paid.has_listeners()


@pytest.mark.parametrize(
    "given",
    [Model.on_paid, Model.with_self_only, Model.on_paid_async, decorated(Model.on_paid)],
    ids=["function", "self only", "async", "decorated"],
)
def test_a_method_without_its_object_is_refused(paid, given):
    """A method without its object is refused because no send gives `self`."""
    with pytest.raises(SignatureError, match=r"without its object.*`object\.method`"):
        paid.connect(given)
    assert not paid.has_listeners()


def test_a_receiver_in_a_class_body_needs_no_self(paid):
    """In a class body a receiver with `self` is refused, and one without it is called."""
    with pytest.raises(SignatureError, match="without its object"):

        class _Wrong:
            @receiver(paid)
            def listen(self, sender, order_id=0, **kwargs): ...

    class _Right:
        @receiver(paid)
        def listen(sender, order_id=0, **kwargs):  # noqa: N805
            return sender

        @receiver(paid)
        @staticmethod
        def static(sender, order_id=0, **kwargs):
            return sender

    paid.connect(Model().on_paid)
    assert [response for _, response in paid.send("web")] == ["web", "web"]


@pytest.mark.parametrize("kind", [classmethod, property])
def test_an_unfinished_method_is_refused(paid, kind):
    """A class method is refused in its class body, where it is not callable yet."""
    with pytest.raises(NotCallableError, match="after the class"):
        paid.connect(kind(lambda self, **kwargs: None))


def test_self_may_be_a_keyword():
    """Outside a class `self` is a name like any other."""

    def listen(self, **kwargs):
        return self

    paid = Signal()
    paid.connect(listen)
    assert paid.send(None, self=1) == [(listen, 1)]


@pytest.mark.parametrize("given", [Model, Generator, mock.Mock], ids=lambda kind: kind.__name__)
def test_a_class_is_refused(paid, given):
    """A class is refused because a send would only create an object."""
    with pytest.raises(SignatureError, match=r"is a class|cannot be called|\*\*kwargs"):
        paid.connect(given)
    with pytest.raises(SignatureError, match="each send would only create"):
        paid.connect(Model)


def test_a_class_that_handles_a_send_is_accepted(paid):
    """A class is accepted if its constructor has the parameter sender, or if it is built in."""
    paid.connect(Handler)
    paid.connect(dict)
    assert paid.send("web")[0][1].sender == "web"


@pytest.mark.parametrize(
    "first", [Model, Model(), "web", None], ids=["class", "object", "text", "none"]
)
@pytest.mark.parametrize("second", [generate, Model().on_paid], ids=["function", "method"])
def test_swapped_arguments_are_refused(paid, first, second):
    """Swapped arguments are refused with the right order in the message."""
    with pytest.raises(ArgumentError, match=r"Write connect\(receiver, sender\)") as raised:
        paid.connect(first, second)
    assert raised.value.names == ("receiver", "sender")


def test_a_class_of_deliveries_is_refused(paid):
    """A delivery class is refused because it is not bound to options."""
    with pytest.raises(ArgumentError, match=r"OnCommit is a class, not a delivery\. Give an inst"):
        paid.connect(decorated(Handler), delivery=OnCommit)
    assert not paid.has_listeners()
    paid.connect(Handler, delivery=on_commit())


@pytest.mark.parametrize("given", ["order-paid", b"order-paid", ["order_id"], object()], ids=kind)
def test_a_name_by_position_is_refused(given):
    """A name as the first argument is refused because Django's `use_caching` comes first."""
    with pytest.raises(ArgumentError, match=r"Give a name as Signal\(name=\.\.\.\)") as raised:
        Signal(given)
    assert raised.value.names == ("use_caching",)
    assert Signal(True).name


@pytest.mark.parametrize("given", [5, b"order-paid", ["order_id"], Model], ids=kind)
def test_a_name_that_is_not_text_is_refused(given):
    """A name that is not text is refused."""
    with pytest.raises(ArgumentError, match="Give text, or no name"):
        Signal(name=given)


@pytest.mark.parametrize("kind", [list, tuple, set])
def test_a_list_of_signals_is_refused(kind):
    """A list of signals is refused because the function takes each signal separately."""
    with pytest.raises(ArgumentError, match="Give all signals one by one"):
        check_signal(kind([Signal()]))


def test_a_call_of_a_signal_is_refused(paid):
    """Calling or connecting a signal is refused with the way to send."""
    with pytest.raises(ArgumentError, match=r"cannot be called\. Write signal\.send\(sender"):
        paid("web", order_id=1)
    with pytest.raises(NotCallableError, match="Connect a function that sends it"):
        Signal().connect(paid)


def test_text_cannot_declare_a_signal():
    """Text as the argument of @signal is refused because a name is given by keyword."""
    with pytest.raises(DeclarationError, match=r"given a str, which .*@signal\(name=\.\.\.\)"):
        signal("ready")  # type: ignore[call-overload]


def test_signals_by_position_are_refused():
    """Several signals by position are refused because they belong in a list."""
    with pytest.raises(ArgumentError, match=r"@receiver\(\[first, second\]\)"):
        receiver(Signal(), Signal())  # type: ignore[call-overload]


@pytest.mark.parametrize("kind", [Signal, lambda: DeclaredSignal(lambda sender: None)])
def test_a_parameter_by_position_is_refused(kind):
    """A positional-only parameter is refused because sends give arguments by name."""

    def by_position(sender, /, **kwargs): ...
    def optional(sender=None, /, **kwargs): ...

    signal = kind()
    with pytest.raises(SignatureError, match="`/`"):
        signal.connect(by_position)
    signal.connect(optional)
    assert len(signal.send(None)) == 1


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("blinker", "ANY"),
        ("pydispatch.dispatcher", "Any"),
        ("unittest.mock", "ANY"),
        ("typing", "Any"),
    ],
)
@pytest.mark.parametrize("subclasses", [False, True])
def test_any_sender_of_another_library_is_refused(module, name, subclasses):
    """No send has it, so the receiver would never run; a class of one's own is accepted."""
    sender = getattr(pytest.importorskip(module), name)
    with pytest.raises(SenderError, match=r"name for any sender.*Leave sender out") as raised:
        check_sender(sender, subclasses=subclasses)
    assert raised.value.sender is sender

    class Own(Any):  # type: ignore[misc]
        pass

    check_sender(Own, subclasses=subclasses)


def test_unhashable_sender_is_refused():
    """An unhashable sender is refused with its type and the cure."""
    sender = bytearray(b"1")
    with pytest.raises(SenderError, match=r"\(a bytearray\) is unhashable.*__hash__") as raised:
        check_sender(sender, subclasses=False)
    assert raised.value.sender is sender
    assert isinstance(raised.value, TypeError)
    check_sender(Sender(), subclasses=False)
    check_sender("web", subclasses=False)


@pytest.mark.parametrize(
    "senders",
    [(Sender,), [Sender], {Sender}, frozenset({Sender}), {"web": 1}],
    ids=lambda senders: type(senders).__name__,
)
def test_a_collection_of_senders_is_refused(senders):
    """A collection is refused as a sender because no send by an item would match it."""
    with pytest.raises(SenderError, match="Connect the receiver once for each sender") as raised:
        check_sender(senders, subclasses=False)
    assert raised.value.sender is senders
    assert str(raised.value) == collection_message(senders)


@pytest.mark.parametrize("sender", [None, "web", Sender()], ids=["none", "text", "instance"])
def test_subclasses_need_a_class(sender):
    """subclasses=True with a sender that is not a class is refused."""
    with pytest.raises(SenderError, match=r"not a class.*leave subclasses out"):
        check_subclasses(sender, subclasses=True)
    check_subclasses(sender, subclasses=False)
    check_subclasses(Sender, subclasses=True)
