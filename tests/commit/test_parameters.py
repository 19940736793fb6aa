"""The keywords that a function requires and accepts."""

import functools
import inspect

import pytest
import wrapt

from clarion.commit.parameters import Parameters


def read(function):
    """Return the required and the accepted keywords, and whether a position is required."""
    taken = Parameters(function)
    accepted = None if taken.accepted is None else sorted(taken.accepted)
    return sorted(taken.required), accepted, taken.needs_position


@pytest.mark.parametrize(
    ("function", "found"),
    [
        (lambda a, *, b, c=1, **rest: None, (["a", "b"], None, False)),
        (lambda a, b=1: None, (["a"], ["a", "b"], False)),
        (lambda a, /, **rest: None, ([], None, True)),
        (lambda a=1, /, *b, c: None, (["c"], ["c"], False)),
        (functools.partial(lambda a, b: None, b=1), (["a"], ["a", "b"], False)),
        (None, ([], None, False)),
        (dict.get, ([], [], True)),
    ],
)
def test_parameters(function, found):
    """Parameters without a default are required; without **kwargs no others are accepted."""
    assert read(function) == found


def inside(order, session, *, note=None):
    """Require two."""


def wrapped(wrapper, function=inside):
    """Return a wrapper of a function."""
    return functools.wraps(function)(wrapper)


def by_name(**kwargs):
    """Add the session by its name."""
    return inside(session=1, **kwargs)


def by_item(**kwargs):
    """Add the session as an item."""
    kwargs["session"] = 1
    return inside(**kwargs)


def passing():
    """Return a wrapper that adds no argument."""

    def wrapper(*args, **kwargs):
        return inside(*args, **kwargs)

    return wrapper


def giving(**given):
    """Return a wrapper that adds these arguments."""

    def wrapper(**kwargs):
        return inside(**given, **kwargs)

    return wrapper


class Giving:
    """A wrapper that is an object."""

    def __init__(self, *names):
        self.names = names
        functools.update_wrapper(self, inside)

    def __call__(self, **kwargs):
        return inside(**dict.fromkeys(self.names), **kwargs)


@wrapt.decorator
def passing_by_wrapt(function, instance, args, kwargs):
    """Add no argument."""
    return function(*args, **kwargs)


@wrapt.decorator
def giving_by_wrapt(function, instance, args, kwargs):
    """Add the session by its name."""
    return function(*args, session=1, **kwargs)


class Service:
    """An object with a wrapped method."""

    @passing_by_wrapt
    def method(self, order, **kwargs):
        """Require one."""


@pytest.mark.parametrize(
    ("wrapper", "required"),
    [
        (wrapped(passing()), ["order", "session"]),
        (wrapped(by_name), ["order"]),
        (wrapped(by_item), ["order"]),
        (wrapped(giving(session=1)), ["order"]),
        (wrapped(passing(), wrapped(by_name)), ["order"]),
        (Giving("session"), ["order"]),
        (Giving(), ["order", "session"]),
        (functools.lru_cache(inside), ["order", "session"]),
        (passing_by_wrapt(inside), ["order", "session"]),
        (giving_by_wrapt(inside), ["order"]),
        (Service().method, ["order"]),
    ],
)
def test_a_wrapper_requires_what_its_function_does(wrapper, required):
    """A wrapper requires what its function does, except names in the wrapper's code."""
    assert read(wrapper)[0] == required


def test_a_wrapper_with_a_signature_of_its_own():
    """`__signature__` counts for a wrapper that adds arguments by computed names."""
    wrapper = wrapped(passing())
    wrapper.__signature__ = inspect.signature(lambda order, **kwargs: None)
    assert read(wrapper) == (["order"], None, False)


def test_a_callable_without_a_signature():
    """A callable without a signature has no known parameters."""
    assert read(dict.update) == ([], None, False)
