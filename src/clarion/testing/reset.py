"""restored: undo what a block connects and disconnects."""

from __future__ import annotations

import sys
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from clarion.testing.blocks import block
from clarion.testing.callers import imports, is_importing
from clarion.testing.change_log import logged

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from clarion._core.table import Table
    from clarion.testing.callers import TestFiles

# One entry for each block of `lasting`. Not a context variable, because plugins run async fixtures
# in contexts of their own.
_lasting: list[None] = []


@block
def restored() -> Generator[None]:
    """Undo, at the end of the block, every `connect` and `disconnect` in it.

    A receiver with `once=True` that was called in the block can be called again. If the
    block imports a module, what the module connects stays connected, because a module runs only once.
    A signal of Django stays as it is if its `receivers` were assigned in the block. It is also a
    decorator of functions.
    """
    outer = {id(frame) for frame in imports()}
    with logged(lambda _: is_importing(outer)), _envelope_restored(lambda: is_importing(outer)):
        yield


@contextmanager
def undone(files: TestFiles, test: Path, *, with_django: bool) -> Generator[None]:
    """Undo what a test connects and disconnects, but not what the program does.

    The program might not connect its receivers again, for example because a factory is cached or a flag
    is set.

    Args:
        files: the files of tests.
        test: the file of this test.
        with_django: whether to undo this for signals of Django, too.
    """
    outer = {id(frame) for frame in imports()}

    def is_of_program() -> bool:
        return bool(_lasting) or is_importing(outer) or not files.is_calling(test)

    def is_kept(table: Table) -> bool:
        if table.guard is not None and not with_django:  # a signal of Django
            return True
        return is_of_program()

    with logged(is_kept), _envelope_restored(is_of_program):
        yield


def _envelope_restored(is_kept: Callable[[], bool]) -> AbstractContextManager[None]:
    # Most programs do not use envelopes, and do not import the package for this.
    if "clarion.envelope" not in sys.modules:
        return nullcontext()
    from clarion.envelope.registered import registered_restored

    return registered_restored(is_kept)


@contextmanager
def lasting() -> Generator[None]:
    """Keep what the block connects and disconnects, even during a test."""
    _lasting.append(None)
    try:
        yield
    finally:
        _lasting.pop()
