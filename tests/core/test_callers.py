"""Warnings point at the code of the program."""

import pytest

from clarion._core.callers import warn_caller


def test_at_the_line_of_the_program():
    """A warning names the line of the program, whether it calls Clarion directly or through Django."""
    functional = pytest.importorskip("django.utils.functional")
    with pytest.warns(UserWarning, match="here") as caught:
        warn_caller("here", UserWarning)
        str(functional.SimpleLazyObject(lambda: warn_caller("here", UserWarning)))
    assert [each.filename for each in caught] == [__file__, __file__]
