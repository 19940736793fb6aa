"""What a save changes: each attribute with its old and its new value.

A receiver of `pre_save` or `post_save` that has a parameter `changes` is given one of these.
It was taken at the flush or the save and holds values only, so it is as true after the commit
as it was then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Change", "Changes"]


class Change(NamedTuple):
    """What becomes of one attribute.

    Attributes:
        old: the value in the database; None for a new row, and where it is not known.
        new: the value that is written.
    """

    old: Any
    new: Any


class Changes(Mapping[str, Change]):
    """An immutable mapping from the names of attributes to what becomes of them.

    Args:
        changes: the old and the new value of each attribute.
        pending: the attributes whose new value only the database will know.
        unknown: the attributes whose old value nobody knows.

    Attributes:
        pending: those that are written as an expression (`F("stock") - 1`) and whose value is
            not known yet. They are no keys.
        unknown: those that were never read from the row that is written, so that nobody can
            tell whether they differ. They are keys, with the old value None.
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
        told = [f"{name}: {old!r} -> {new!r}" for name, (old, new) in self._changes.items()]
        told += [f"{name}: not known yet" for name in sorted(self.pending)]
        return f"<Changes {', '.join(told) or 'of nothing'}>"
