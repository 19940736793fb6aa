"""The changes of a save: each changed attribute with its old and its new value.

A receiver of `pre_save` or `post_save` gets them in a parameter `changes`, if it has one. They
are computed at the flush or the save and hold values only, so they stay valid after the commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Change", "Changes"]


class Change(NamedTuple):
    """The change of one attribute.

    Attributes:
        old: the value in the database; None for a new row, or if it is unknown.
        new: the value that is written.
    """

    old: Any
    new: Any


class Changes(Mapping[str, Change]):
    """An immutable mapping from the names of attributes to their changes.

    Args:
        changes: the old and the new value of each attribute.
        pending: the attributes whose new value the database computes.
        unknown: the attributes whose old value is unknown.

    Attributes:
        pending: the names of attributes that are written as an expression, such as
            `F("stock") - 1`, and whose new value is not known yet. They are not keys.
        unknown: the names of attributes whose old value was never read from the row, so it may
            equal the new one. They are keys, with the old value None.
    """

    __slots__ = ("_changes", "pending", "unknown")

    def __init__(
        self,
        changes: Mapping[str, tuple[Any, Any]],
        pending: Iterable[str] = (),
        unknown: Iterable[str] = (),
    ) -> None:
        self._changes = {name: Change(*pair) for name, pair in changes.items()}
        self.pending = frozenset(pending)
        self.unknown = frozenset(unknown)

    def __getitem__(self, name: str) -> Change:
        return self._changes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._changes)

    def __len__(self) -> int:
        return len(self._changes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Changes):
            return NotImplemented if not isinstance(other, Mapping) else self._changes == other
        mine = self._changes, self.pending, self.unknown
        return mine == (other._changes, other.pending, other.unknown)

    __hash__ = None  # type: ignore[assignment]  # as a mapping

    def __repr__(self) -> str:
        # Names only: logs and error trackers print it, and the values may be secret.
        names = [*self._changes, *(f"{name} (not known yet)" for name in sorted(self.pending))]
        return f"<Changes of {', '.join(names) or 'nothing'}>"
