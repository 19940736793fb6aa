"""restored: undo what a block connects and disconnects."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from clarion._core.registry import signals
from clarion._core.tabled import table_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from typing import Any

    from clarion._core.registration import Registration
    from clarion._core.table import Table


@contextmanager
def restored() -> Generator[None]:
    """Undo, at the end of the block, every `connect` and `disconnect` in it.

    A receiver with `once=True` that was called in the block can be called again. Receivers
    of a module that was first imported in the block stay connected, because the module does
    not run again.
    """
    before = {
        id(table_of(signal)): (
            table_of(signal),
            [(r, r.order) for r in table_of(signal).registrations()],
        )
        for signal in signals()
    }
    imported = set(sys.modules)
    try:
        yield
    finally:
        for table, saved in before.values():
            _restore(table, saved, imported)
        for table in [table_of(signal) for signal in signals()]:
            # Not a signal of Django: Clarion may have replaced it in the block, and it has
            # receivers from before.
            if id(table) not in before and table.guard is None:
                _restore(table, (), imported)


def _restore(table: Table, saved: Sequence[tuple[Registration, int]], imported: set[str]) -> None:
    old = {id(registration) for registration, _ in saved}
    now = table.registrations()
    wanted = [registration for registration, _ in saved if registration.live() is not None]
    wanted += [r for r in now if id(r) not in old and _came_with_import(r, imported)]
    for registration, order in saved:
        registration.restore(order)
    if now != wanted:
        table.replace(wanted)


def _came_with_import(registration: Registration, imported: set[str]) -> bool:
    receiver = registration.live()
    while isinstance(receiver, partial):
        receiver = receiver.func
    # A callable object has the module of its class.
    home: Any = receiver if hasattr(receiver, "__qualname__") else type(receiver)
    module, name = str(home.__module__), str(home.__qualname__)
    # The standard library connects nothing, so a receiver of it is a mock.
    is_new = module in sys.modules and module not in imported
    return (
        is_new
        and "<locals>" not in name
        and module.partition(".")[0] not in sys.stdlib_module_names
    )
