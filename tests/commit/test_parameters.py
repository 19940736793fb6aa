"""What a function requires and accepts by keyword."""

import functools

import pytest

from clarion.commit.parameters import Parameters


def read(function):
    """Return what was read of a function."""
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
    """Those without a default are required; without **kwargs nothing else is accepted."""
    assert read(function) == found


def test_a_wrapper_counts_by_its_own_parameters():
    """It may give the function inside what it does not get itself."""

    def inside(order, session):
        """Take both."""

    @functools.wraps(inside)
    def wrapper(**kwargs):
        return inside(session=1, **kwargs)

    assert read(wrapper) == ([], None, False)


def test_a_callable_without_a_signature():
    """A callable without a signature has no known parameters."""
    assert read(functools.lru_cache(lambda a: None)) == ([], None, False)
