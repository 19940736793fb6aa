"""Put back whatever was connected."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clarion._core.registry import signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clarion._core.connect import Registration


@contextmanager
def restored() -> Iterator[None]:
    """Undo, at the end of the block, what was connected and disconnected in it.

    Receivers of a module that was first imported in the block stay: the module will
    not be run again, so they could not come back.
    """
    before = [(signal, signal._table.registrations()) for signal in signals()]
    imported = set(sys.modules)
    try:
        yield
    finally:
        for signal, registrations in before:
            now = signal._table.registrations()
            kept = [r for r in now if r not in registrations and _came_with_import(r, imported)]
            if now != registrations + kept:
                signal._table.replace(registrations + kept)


def _came_with_import(registration: Registration, imported: set[str]) -> bool:
    receiver = registration.live()
    module = getattr(receiver, "__module__", None)
    local = "<locals>" in getattr(receiver, "__qualname__", "<locals>")
    return not local and module not in imported
