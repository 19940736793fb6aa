"""A redirected function calls another one, for all code that holds it."""

import gc
import sys
from types import FunctionType
from typing import Any

import pytest

from clarion.integrations.django.dispatch.redirect import (
    copy_function,
    find_original,
    is_original,
    redirect,
)


def add(a, b=2, *, c=3):
    """Add up."""
    return a + b + c


original: Any = add
THIS = sys.modules[__name__]


def other(*args, **kwargs):
    return args, kwargs


def test_a_wrapper_of_the_function_calls_the_target():
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


def test_a_copy_is_redirected_alone():
    """A copy behaves as the function does; redirecting it leaves the function unchanged."""
    copy = copy_function(original)
    assert (copy(1), copy.__name__, copy.__doc__) == (6, "add", "Add up.")
    assert copy_function(original, "elsewhere").__module__ == "elsewhere"
    redirect(copy, other)
    assert copy(1) == ((1,), {})
    assert original(1) == 6


def test_an_original_is_found_by_where_it_is_written():
    """A function and its wrapper have the same name and module, but not the same code."""
    from functools import wraps

    @wraps(original)
    def wrapper(*args):
        return original(*args)

    assert is_original(original, THIS, "add")
    assert not is_original(wrapper, THIS, "add")
    assert not is_original(print, THIS, "print")
    assert find_original(wrapper, THIS, "add") is original


def test_an_original_is_found_by_its_module_not_by_its_file():
    """Code that was compiled elsewhere, as in a bundled program, names another file."""
    elsewhere = FunctionType(
        original.__code__.replace(co_filename="/build/where.py"), original.__globals__
    )
    assert is_original(elsewhere, THIS, "add")
    same_file = FunctionType(original.__code__, {})
    assert not is_original(same_file, THIS, "add")


def test_an_original_is_found_though_it_was_frozen():
    """A function that the garbage collector has frozen is found in its wrapper's closure."""

    def outer(function):
        def wrapper(*args):
            return function(*args)

        return wrapper

    gc.freeze()
    try:
        assert find_original(outer(outer(original)), THIS, "add") is original
    finally:
        gc.unfreeze()


def test_an_original_that_was_deleted_is_an_error():
    """If no object refers to it any more, the error names it and says what to do."""
    with pytest.raises(LookupError, match=r"gone of .*no wrapper refers to it\. Install Clarion"):
        find_original(print, THIS, "gone")
