"""Whether a call of a receiver by a send would run its code: see also `test_checks`."""

from functools import partial
from typing import Any

import pytest

from clarion import Signal, on_commit, signal
from clarion._core.usable import check_response, refuse_uncallable
from clarion.errors import NotCallableError, SignatureError


def test_a_receiver_that_is_not_callable_is_on_the_error():
    """The error has the receiver as an attribute, and its message says what to do."""
    with pytest.raises(NotCallableError, match="connect a function") as refused:
        refuse_uncallable(5)
    assert refused.value.receiver == 5


class Mailer:
    """Methods without `self`, and others."""

    def note(sender, **kwargs):  # noqa: N805
        """Get `sender` twice."""

    async def anote(sender, **kwargs):  # noqa: N805
        """Get `sender` twice."""

    @classmethod
    def of_class(sender, **kwargs):  # noqa: N804
        """Get `sender` twice."""

    def __call__(sender, **kwargs):  # noqa: N805
        """Get `sender` twice."""

    def by_position(sender, /, **kwargs):  # noqa: N805
        """Return the keywords, which may have the name before the `/`."""
        return kwargs["sender"]

    @staticmethod
    def static(sender, **kwargs):
        """Return the sender."""
        return sender


def receive(sender, order_id=0, **kwargs):
    """Return the sender."""
    return sender


@signal
def declared(sender: str, *, order_id: int = 0) -> object:
    """Declare one keyword."""


class Inheriting(Mailer):
    """An object whose `__call__` is that of its base."""


FILLED = {
    "inherited": Inheriting(),
    "method": Mailer().note,
    "async": Mailer().anote,
    "class": Mailer.of_class,
    "object": Mailer(),
    "partial": partial(receive, "web"),
    "partial-method": partial(Mailer().note),
}


@pytest.mark.parametrize("given", FILLED.values(), ids=FILLED)
@pytest.mark.parametrize("kind", ["plain", "declared"])
@pytest.mark.parametrize("delivery", [None, on_commit], ids=["now", "on_commit"])
def test_an_argument_by_position_and_by_name_is_refused(given, kind, delivery):
    """A method without `self`, or such a partial, would raise a TypeError at each send."""
    made = Signal() if kind == "plain" else declared
    with pytest.raises(SignatureError, match=r"gets `sender` by position .* Add `self`"):
        made.connect(given, delivery=delivery)
    assert not made.has_listeners()


def test_what_each_kind_of_signal_gives():
    """A plain signal gives `signal`, a declared one its keywords, and other names may be filled."""

    class Other:
        def of_signal(signal, **kwargs): ...  # noqa: N805

        def of_order(order_id, **kwargs): ...  # noqa: N805

    other: Any = Other()
    with pytest.raises(SignatureError, match="gets `signal` by position"):
        Signal().connect(other.of_signal)
    with pytest.raises(SignatureError, match="gets `order_id` by position"):
        declared.connect(other.of_order)
    Signal().connect(other.of_order)
    with declared.connected(other.of_signal):
        pass


class StaticCall:
    """A receiver that is called without itself."""

    @staticmethod
    def __call__(sender, **kwargs):
        """Return the sender."""
        return sender


def test_arguments_that_are_given_once():
    """A parameter before the `/`, a static method and a partial with a keyword are called."""
    plain, mailer = Signal(), Mailer()
    by_keyword = partial(receive, order_id=5)
    for each in (mailer.by_position, mailer.static, StaticCall(), by_keyword):
        with plain.connected(each):
            assert [response for _, response in plain.send("web")] == ["web"]


async def awaited(**kwargs):
    """Do nothing."""


def iterated(**kwargs):
    """Do nothing, once."""
    yield


async def awaited_iterated(**kwargs):
    """Do nothing, once."""
    yield


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (awaited, "a coroutine that nothing awaits, so its code did not run. Connect the async"),
        (iterated, "a generator that nothing iterates over, .* Iterate over it in the receiver"),
        (awaited_iterated, "a generator that nothing iterates over"),
    ],
)
def test_a_response_that_has_not_run_is_refused(function, reason):
    """A coroutine or a generator is refused as a response, without a second warning of Python."""
    with pytest.raises(
        SignatureError, match=rf"Receiver .*awaited \(.*returned {reason}"
    ) as raised:
        check_response(awaited, function())
    assert raised.value.receiver is awaited
    others: tuple[Any, ...] = (None, "text", [], iter(()))
    for other in others:
        check_response(awaited, other)
