"""The examples in docstrings hold."""

import doctest
import importlib

import pytest

from tests.house.tree import MODULES, name_of

SHOWING = [path for path in MODULES if ">>> " in path.read_text()]


@pytest.mark.parametrize("path", SHOWING, ids=name_of)
def test_examples_hold(path):
    """Each prompt in a module's docstrings prints the output below it."""
    if "integrations.django" in name_of(path):
        pytest.importorskip("django")
    module = importlib.import_module(name_of(path))
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0
