"""A method name of another library raises an error with Clarion's name."""

from traceback import format_exception

import pytest

from clarion import Signal, signal
from clarion._core.misnamed import MISNAMED, Misnamed


@signal
def declared(sender):
    """Declare no keyword."""


@pytest.mark.parametrize("name", MISNAMED)
def test_the_error_names_the_cure(name):
    """On a signal and on its class the attribute does not exist, and the error names the cure."""
    for owner in (Signal(), declared, Signal):
        with pytest.raises(AttributeError, match=rf"no attribute '{name}'\. Write ") as raised:
            getattr(owner, name)
        assert raised.value.name == name
        assert "Did you mean" not in "".join(format_exception(raised.value))
        assert not hasattr(owner, name)


def test_cures_exist():
    """Each method that an error recommends is a method of a signal."""
    with pytest.raises(AttributeError, match=r"signal\.send\("):
        Signal().emit  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"introspect\.registrations\(signal\)"):
        Signal().receivers  # type: ignore[attr-defined]  # noqa: B018


def test_a_subclass_may_have_the_name():
    """A subclass of Signal may define such a method."""

    class Bus(Signal):
        def emit(self):
            return self.send(None)

        other = Misnamed("`send`")

    assert Bus().emit() == []
    with pytest.raises(AttributeError, match="'other'"):
        Bus().other  # noqa: B018
