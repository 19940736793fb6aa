"""Programs that enter a block in each form, interrupted at each point of the entry or of the end."""

import gc
from contextlib import ExitStack

from tests.commit.interrupts import InterruptedByTestError, attempts, records_of_clarion


def statement(make, interrupt, kept):
    """Enter by `with`."""
    with make():
        interrupt.start()


def variable(make, interrupt, kept):
    """Enter a block that a variable holds."""
    kept.append(block := make())
    with block as given:
        kept.append(given)
        interrupt.start()


def beginning(make, interrupt, kept):
    """Interrupt the entry."""
    kept.append(block := make())
    interrupt.start()
    try:
        with block:
            interrupt.stop()
    finally:
        block.unentered = None  # interrupted in the first step, it would warn


def stack(make, interrupt, kept):
    """Enter by `ExitStack`."""
    with ExitStack() as entered:
        kept.append(block := make())
        entered.enter_context(block)
        interrupt.start()


def nested(make, interrupt, kept):
    """Enter two blocks."""
    with make(), make():
        interrupt.start()


FORMS = [statement, variable, beginning, stack, nested]


def check_ends(form, make, is_over):
    """Assert that the effect of a block has ended while the exception and the block are kept.

    Args:
        form: one of `FORMS`.
        make: returns a new block.
        is_over: returns whether no block has an effect in this context.
    """
    found = []

    def program(interrupt):
        kept: list[object] = []
        try:
            form(make, interrupt, kept)
        except InterruptedByTestError as error:
            kept.append(error)
        interrupt.stop()
        if not is_over() and form is stack:
            # The stack itself was interrupted. It ends the block when it is freed.
            del kept[1:]
            gc.collect()
        found.append(is_over())

    with records_of_clarion():
        points = [interrupt.where for interrupt in attempts(program, InterruptedByTestError)]
    assert len(points) > 5
    assert [where for where, over in zip(points, found, strict=True) if not over] == []
