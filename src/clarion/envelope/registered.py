"""What the program has registered for its envelopes, and how a test undoes it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from clarion.envelope import context, references, senders

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def registered_restored() -> Generator[None]:
    """Undo, at the end of the block, what it registers: context variables, senders, kinds, types.

    Upcasters belong to their signal, and end with it.
    """
    before = [(registry, dict(registry)) for registry in _registries()]
    try:
        yield
    finally:
        for registry, entries in before:
            registry.clear()
            registry.update(entries)


def _registries() -> list[dict[Any, Any]]:
    typed = sys.modules.get("clarion.envelope.typed")  # only there with msgspec
    conversions = [] if typed is None else [typed.conversions]
    return [context.carried, senders.registered, references.kinds, *conversions]
