"""A block that no `with` enters gives a warning when it is freed."""

import warnings
from typing import Any

import pytest

from clarion import on_commit
from clarion._core.unentered import Enterable
from clarion.commit import atomic, suppressed
from clarion.errors import ArgumentError
from clarion.testing import capture, commits, muted, restored, without_engines
from tests.core.receivers import collect, echo

MADE: dict[str, Any] = {
    "signal.connected(receiver)": lambda signal: signal.connected(echo),
    "atomic()": lambda signal: atomic(),
    "suppressed(reason)": lambda signal: suppressed("an import"),
    "muted(...)": muted,
    "capture(...)": capture,
    "commits()": lambda signal: commits(),
    "restored()": lambda signal: restored(),
    "without_engines()": lambda signal: without_engines(),
}


@pytest.mark.parametrize("named", MADE)
def test_never_entered(signal, named):
    """The warning names the block and the cure, at the line that drops it."""
    with pytest.warns(RuntimeWarning, match="had no effect") as caught:
        MADE[named](signal)
        collect()
    assert [each.filename for each in caught] == [__file__]
    assert f"{named} was created and never entered" in str(caught[0].message)
    assert f"Write `with {named}:`." in str(caught[0].message)


@pytest.mark.parametrize("named", MADE)
def test_entered(signal, named):
    """A block that was entered gives no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with MADE[named](signal):
            pass
        collect()


@pytest.mark.parametrize("kind", [atomic, muted, commits, restored, without_engines])
def test_decorating(signal, kind):
    """A block that decorates a function is used."""
    block = kind(signal) if kind is muted else kind()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decorated = block(lambda: 5)
        del block
        collect()
    assert decorated() == 5


def test_a_refused_block_gives_no_warning(signal):
    """The error of the constructor, or of the entry, is enough."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ArgumentError):
            muted("nothing")  # type: ignore[arg-type]
        with pytest.raises(ArgumentError), signal.connected(echo, colour=5):
            pass
        collect()


def test_a_used_block_can_be_created_early(signal):
    """A block that is entered after a while gives no warning."""
    block = signal.connected(echo, delivery=on_commit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            with block:
                assert signal.has_listeners()
        del block
        collect()
    assert not signal.has_listeners()


def test_a_base_without_a_name_is_silent():
    """A block that has not said how it is created is not reported."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Enterable()
        collect()
