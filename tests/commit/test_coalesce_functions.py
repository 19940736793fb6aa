"""Functions that compute the key: those that no send could call, and those that raise."""

import functools
from typing import Any

import pytest

from clarion import Signal, on_commit
from clarion import signal as declared
from clarion.commit import atomic
from clarion.errors import ArgumentError
from clarion.introspect import registrations
from clarion.testing import restored
from tests.commit.conftest import counts

pytestmark = pytest.mark.usefixtures("_plain_python")


def take(sender, **kwargs):
    """Take."""


async def async_key(**kwargs):
    """Return a coroutine."""


def yielded_key(**kwargs):
    """Return a generator."""
    yield 1


NO_KEY = "is async or a generator function, so it returns no key. Give a plain function"
ANY: Any = None


@declared(name="shop.ordered")
def ordered(sender: object, *, order_id: int) -> None:
    """An order was made."""


@pytest.mark.parametrize(
    ("coalesce", "text"),
    [
        (
            lambda order: order,
            "does not accept sender, signal, which every send gives. Add [*][*]k",
        ),
        (lambda order, sender: order, "does not accept signal, which every send gives"),
        (lambda kwargs, /: 1, "requires an argument by position, and gets all by name"),
        (functools.partial(lambda a, b: a, b=1), "does not accept sender, signal"),
        (async_key, NO_KEY),
        (yielded_key, NO_KEY),
    ],
)
def test_functions_that_no_send_could_call(coalesce, text, signal):
    """connect refuses a key function that no send can call, and names both functions."""
    with pytest.raises(ArgumentError, match=text) as caught:
        signal.connect(take, delivery=on_commit(coalesce=coalesce))
    assert "The coalesce function " in str(caught.value)
    assert "test_coalesce_functions.take (" in str(caught.value)
    assert caught.value.names == ("coalesce",)
    assert registrations(signal) == []


@pytest.mark.parametrize(
    ("coalesce", "text"),
    [
        (lambda order_id: 1, "does not accept sender"),
        (lambda sender, **kwargs: 1, None),
        (lambda sender, order_id: 1, None),
        (lambda order, **kwargs: 1, "requires order, which signal shop.ordered does not declare"),
    ],
    ids=["no sender", "any", "exact", "order"],
)
def test_declared_signals(coalesce, text):
    """A declared signal knows all keywords at connect."""
    with restored():
        if text is None:
            ordered.connect(take, delivery=on_commit(coalesce=coalesce))
            assert ordered.send(None, order_id=1)
        else:
            with pytest.raises(ArgumentError, match=text):
                ordered.connect(take, delivery=on_commit(coalesce=coalesce))


def test_a_receiver_that_asks_for_the_signal():
    """The function gets the signal, too."""

    def asking(sender, order_id, signal=None):
        """Ask."""

    with restored(), pytest.raises(ArgumentError, match="does not accept signal"):
        ordered.connect(asking, delivery=on_commit(coalesce=lambda sender, order_id: 1))


def by_order(order, **kwargs):
    """Return a key."""
    return order


def failing(**kwargs):
    """Raise."""
    raise LookupError("no")


@pytest.mark.parametrize(
    ("coalesce", "error"),
    [(by_order, TypeError), (failing, LookupError), (lambda n, **kwargs: n["x"], TypeError)],
)
@pytest.mark.parametrize("outside", ["run", "skip", "refuse"])
def test_functions_that_raise(coalesce, error, outside, signal):
    """The error of a key function has a note that names the function and its receiver."""
    signal.connect(take, delivery=on_commit(coalesce=coalesce, outside=outside))
    with atomic(), pytest.raises(error) as caught:
        signal.send(None, n=1)
    (note,) = caught.value.__notes__
    assert note.startswith("Raised by the coalesce function tests.commit.test_coalesce_functions.")
    assert coalesce.__qualname__ in note
    assert " of receiver tests.commit.test_coalesce_functions.take (" in note
    assert note.endswith(" of signal shop.paid.")
    assert counts(signal) == {}


def test_an_outer_receiver_is_named(signal):
    """The error has one note for the key function, and one for the receiver that sends."""
    outer = Signal(name="outer")

    def pass_on(sender, **kwargs):
        signal.send(sender)

    signal.connect(take, delivery=on_commit(coalesce=failing))
    outer.connect(pass_on)
    with pytest.raises(LookupError) as caught:
        outer.send(None)
    of_function, of_receiver = caught.value.__notes__
    assert "coalesce function" in of_function
    assert "pass_on" in of_receiver
    assert of_receiver.startswith("Raised by receiver ")


def test_in_a_robust_send(signal, log):
    """A robust send returns the error of the key function, with the note."""
    signal.connect(take, delivery=on_commit(coalesce=failing))
    ((_, error),) = signal.send_robust(None)
    assert "coalesce function" in error.__notes__[0]
    assert "coalesce function" in log.caplog.text


def test_a_callable_without_a_signature(signal):
    """A key function without a signature is called, and its error has the note."""
    signal.connect(take, delivery=on_commit(coalesce=functools.lru_cache(by_order)))
    with pytest.raises(TypeError) as caught:
        signal.send(None)
    assert (
        "coalesce function tests.commit.test_coalesce_functions.by_o" in caught.value.__notes__[0]
    )
