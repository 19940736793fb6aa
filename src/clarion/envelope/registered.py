"""Undo, for a test, what the program registers for its envelopes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from clarion.envelope import context, conversions, references, senders
from clarion.envelope.registry import Registry, observers

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@contextmanager
def registered_restored(is_kept: Callable[[], bool] = lambda: False) -> Generator[None]:
    """Undo at the end of the block what the block has registered.

    It undoes context variables, senders, kinds and types. Upcasters belong to their signal, and are
    deleted with it.

    Args:
        is_kept: called at each registration; returns whether to keep it. A module that the block
            imports does not register again.
    """
    before = [(registry, dict(registry)) for registry in _registries()]
    kept: list[tuple[Registry[Any, Any], Any]] = []

    def observe(registry: Registry[Any, Any], key: Any) -> None:
        if is_kept():
            kept.append((registry, key))

    observers.append(observe)
    try:
        yield
    finally:
        observers.remove(observe)
        lasting = [(registry, key, registry[key]) for registry, key in kept if key in registry]
        for registry, entries in before:
            registry.clear()
            registry.update(entries)
        for registry, key, value in lasting:
            registry.update({key: value})  # unreported: outer blocks have decided


def _registries() -> list[Registry[Any, Any]]:
    return [context.carried, senders.registered, references.kinds, conversions.conversions]
