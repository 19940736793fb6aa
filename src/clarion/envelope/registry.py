"""Registries: what the program has registered for its envelopes, by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
V = TypeVar("V")


class Registry(dict[K, V]):
    """A dictionary that reports each new entry, so that a block of a test can undo it."""

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        for observe in observers:
            observe(self, key)

    def add(self, key: K, value: V) -> V:
        """Return the entry of a key, after adding it if it is missing."""
        if key not in self:
            self[key] = value
        return self[key]


observers: list[Callable[[Registry[Any, Any], Any], object]] = []
"""Called with the registry and the key of each new entry."""
