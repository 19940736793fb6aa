"""The checks of the arguments of `Signal` and `connect`."""

from inspect import signature

import pytest

from clarion import Signal
from clarion._core.arguments import OPTIONS, SCOPE, check_arguments, check_signal_arguments
from clarion.errors import ArgumentError
from tests.core.receivers import echo


def test_options_are_the_parameters_of_connect():
    """The options are the parameters of `connect`, in its order, without `self`."""
    assert list(signature(Signal.connect).parameters) == ["self", *OPTIONS, "unknown"]


def test_replace_needs_a_uid():
    """replace=True without a uid is refused: the uid says which receiver is replaced."""
    with pytest.raises(ArgumentError, match=r"without a dispatch_uid\. Give the dispatch_uid"):
        check_arguments({}, 0, None, weak=None, replace=True)
    check_arguments({}, 0, "mail", weak=None, replace=True)


def test_the_scope_of_a_block_is_no_unknown_option():
    """The option with the scope of a block is accepted, and the scope is returned."""
    scope = object()
    assert check_arguments({SCOPE: scope}, 0, None, weak=None, replace=False) is scope
    with pytest.raises(ArgumentError, match=r"no argument 'replase'\. Did you mean 'replace'\?"):
        check_arguments({"replase": True}, 0, None, weak=None, replace=False)
    assert not SCOPE.isidentifier()


def test_an_unknown_option_that_is_no_name():
    """The message does not contain an unknown option that can be no parameter, such as a URL."""
    with pytest.raises(ArgumentError, match=r"no argument a str\. It takes receiver"):
        Signal().connect(dict, **{"sqlite:///secret.db": 1})  # type: ignore[arg-type]


@pytest.mark.parametrize("weak", ["mail", b"mail", 1.5, object()], ids=type)
def test_a_uid_in_the_place_of_weak(weak):
    """A value of `weak` that is no bool is refused: the third argument by position is not the uid."""
    with pytest.raises(ArgumentError, match=r"weak=an? .*dispatch_uid=") as raised:
        Signal().connect(dict, None, weak)
    assert raised.value.names == ("weak",)
    for accepted in (True, False, None, 0, 1):
        Signal().connect(echo, None, accepted)  # type: ignore[arg-type]


def test_arguments_of_a_signal():
    """A name in place of `use_caching`, and a name that is not text, are refused."""
    with pytest.raises(ArgumentError, match=r"Signal\(name=...\)"):
        check_signal_arguments("paid", None)
    with pytest.raises(ArgumentError, match="name"):
        check_signal_arguments(use_caching=False, name=1)


@pytest.mark.parametrize("name", ["using", "coalesce", "outside"])
def test_an_option_of_a_delivery(name):
    """The message shows where the option belongs."""
    with pytest.raises(ArgumentError, match=rf"write delivery=on_commit\({name}=\.\.\.\)"):
        Signal().connect(lambda **kwargs: None, **{name: "shop"})  # type: ignore[arg-type]
