"""The checks of the arguments of `Signal` and `connect`."""

from inspect import signature

import pytest

from clarion import Signal
from clarion._core.arguments import OPTIONS, SCOPE, check_arguments, check_signal_arguments
from clarion.errors import ArgumentError


def test_options_are_the_parameters_of_connect():
    """The options are the parameters of `connect`, in its order, without `self`."""
    assert list(signature(Signal.connect).parameters) == ["self", *OPTIONS, "unknown"]


def test_replace_needs_a_uid():
    """replace=True without a uid is refused: the uid says which receiver is replaced."""
    with pytest.raises(ArgumentError, match=r"without a dispatch_uid\. Give the dispatch_uid"):
        check_arguments({}, 0, None, replace=True)
    check_arguments({}, 0, "mail", replace=True)


def test_the_scope_of_a_block_is_no_unknown_option():
    """The option with the scope of a block is accepted, and the scope is returned."""
    scope = object()
    assert check_arguments({SCOPE: scope}, 0, None, replace=False) is scope
    with pytest.raises(ArgumentError, match=r"no argument 'replase'\. Did you mean 'replace'\?"):
        check_arguments({"replase": True}, 0, None, replace=False)
    assert not SCOPE.isidentifier()


def test_arguments_of_a_signal():
    """A name in place of `use_caching`, and a name that is not text, are refused."""
    with pytest.raises(ArgumentError, match=r"Signal\(name=...\)"):
        check_signal_arguments("paid", None)
    with pytest.raises(ArgumentError, match="name"):
        check_signal_arguments(use_caching=False, name=1)
