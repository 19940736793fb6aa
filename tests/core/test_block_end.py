"""The end of a block does not keep the block alive."""

import weakref
from contextlib import ExitStack
from typing import Any

import pytest

from clarion.commit.block_end import BlockEnd


class Ended:
    """What a block has entered."""

    def __init__(self):
        self.errors = []
        self.interrupts = []

    def end(self, error):
        """Note the error, and raise it."""
        self.errors.append(error)
        if error[1] is not None:
            raise error[1]

    def interrupt(self, error):
        """Note what the end has raised, or an interrupt before it."""
        self.interrupts.append(error)


class Block:
    """A block, which is entered when it is created."""

    __exit__ = BlockEnd()

    def __init__(self):
        self._entered: Any = Ended()

    def __enter__(self):
        return self


def test_the_method_holds_the_block():
    """As a usual method does; its arguments do not."""
    block = Block()
    entered, freed = block._entered, weakref.ref(block)
    method = block.__exit__
    del block
    assert freed() is not None
    method(None, None, None)
    assert entered.errors == [(None, None, None)]
    del method
    assert freed() is None


def test_the_function_of_the_class():
    """`ExitStack` takes the function of the class, and gives it the block."""
    block = Block()
    entered = block._entered
    with ExitStack() as stack:
        stack.enter_context(block)
    assert entered.errors == [(None, None, None)]
    assert block._entered is None


def test_an_end_that_raises():
    """The error is passed on, and the block forgets what it has entered."""
    block, error = Block(), ValueError("early")
    entered = block._entered
    with pytest.raises(ValueError, match="early"):
        block.__exit__(ValueError, error, None)
    assert entered.interrupts == [error]
    assert block._entered is None


def test_a_block_that_is_not_entered():
    """The end of a block that was not entered is refused."""
    block = Block()
    block._entered = None
    with pytest.raises(AssertionError, match="left before it was entered"):
        block.__exit__(None, None, None)
