"""`connect` as a decorator."""

import pytest

from clarion.errors import ArgumentError, NotCallableError, SignatureError
from tests.core.receivers import Sender, answers, echo


class TestConnectAsDecorator:
    """`connect` returns the receiver, and a decorator if it has none."""

    def test_it_returns_the_receiver(self, signal):
        """connect returns the receiver that it connects."""
        assert signal.connect(echo) is echo
        assert signal.connect(echo) is echo
        assert signal.disconnect(echo)

    def test_it_decorates(self, signal):
        """connect decorates a function, without parentheses or with any of the options."""

        @signal.connect
        def first(sender, **kwargs):
            return "first"

        @signal.connect(sender=Sender, priority=5, once=True)
        def second(sender, **kwargs):
            return "second"

        assert first(None) == "first"
        assert second(None) == "second"
        assert answers(signal.send(Sender)) == ["second", "first"]
        assert answers(signal.send(Sender)) == ["first"]

    def test_errors_are_those_of_connect(self, signal):
        """Wrong options are refused with a function and without one."""
        with pytest.raises(ArgumentError, match="Did you mean 'priority'"):
            signal.connect(priorty=5)
        with pytest.raises(SignatureError):
            signal.connect(sender=Sender)(lambda: None)
        with pytest.raises(NotCallableError, match="None"):
            signal.connect(None)
        assert not signal.has_listeners(Sender)
