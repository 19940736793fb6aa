"""Objects that are refused, and the errors that say so."""

import pytest

from clarion import Signal
from clarion._core.checks import check_signal, refuse_uncallable
from clarion.errors import ArgumentError, NotCallableError


def test_a_signal_is_returned():
    """Any other object is refused, by the name of its type."""
    made = Signal()
    assert check_signal(made) is made
    with pytest.raises(
        ArgumentError, match=r"an object is not a signal that Clarion dispatches\. Give"
    ):
        check_signal(object())


def test_a_receiver_that_is_not_callable_is_on_the_error():
    """And the message says what to do."""
    with pytest.raises(NotCallableError, match="connect a function") as refused:
        refuse_uncallable(5)
    assert refused.value.receiver == 5
