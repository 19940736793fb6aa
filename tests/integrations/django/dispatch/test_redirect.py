"""A function does another's work, for all who hold it."""

import gc
from typing import Any

import pytest

from clarion.integrations.django.dispatch.redirect import find_original, is_original, redirect, twin


def add(a, b=2, *, c=3):
    """Add up."""
    return a + b + c


original: Any = add


def other(*args, **kwargs):
    return args, kwargs


def test_all_who_hold_the_function_get_the_other():
    """A wrapper that holds the function calls the target with the same arguments."""

    def wrapper(*args, **kwargs):
        return held(*args, **kwargs)

    held = original
    restore = redirect(original, other)
    try:
        assert wrapper(1, b=5) == ((1,), {"b": 5})
    finally:
        restore()
    assert wrapper(1, b=5) == 9
    assert original(1) == 6


def test_a_twin_is_diverted_alone():
    """A copy behaves as the function does, and goes its own way when it is diverted."""
    copy = twin(original)
    assert (copy(1), copy.__name__, copy.__doc__) == (6, "add", "Add up.")
    assert twin(original, "elsewhere").__module__ == "elsewhere"
    redirect(copy, other)
    assert copy(1) == ((1,), {})
    assert original(1) == 6


def test_an_original_is_found_by_where_it_is_written():
    """Neither its name nor its module tells a function from its wrapper; its code does."""
    from functools import wraps

    @wraps(original)
    def wrapper(*args):
        return original(*args)

    assert is_original(original, __file__, "add")
    assert not is_original(wrapper, __file__, "add")
    assert not is_original(print, __file__, "print")
    assert find_original(wrapper, __file__, "add") is original


def test_an_original_is_found_though_it_was_frozen():
    """What the garbage collector was told to leave alone is found in its wrapper's closure."""

    def outer(function):
        def wrapper(*args):
            return function(*args)

        return wrapper

    gc.freeze()
    try:
        assert find_original(outer(outer(original)), __file__, "add") is original
    finally:
        gc.unfreeze()


def test_an_original_that_is_gone_is_missed():
    """Nobody holds it: that is an error which names it."""
    with pytest.raises(LookupError, match="gone of"):
        find_original(print, __file__, "gone")
