"""Undo, for a test, what the program registers for its envelopes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from clarion.envelope import context, conversions, references, senders

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def registered_restored() -> Generator[None]:
    """Undo at the end of the block what the block has registered.

    It undoes context variables, senders, kinds and types. Upcasters belong to their signal, and are
    deleted with it.
    """
    before = [(registry, dict(registry)) for registry in _registries()]
    try:
        yield
    finally:
        for registry, entries in before:
            registry.clear()
            registry.update(entries)


def _registries() -> list[dict[Any, Any]]:
    return [context.carried, senders.registered, references.kinds, conversions.conversions]
