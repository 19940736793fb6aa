"""The changes of a save or a deletion: each changed attribute with its old and its new value.

A receiver of `pre_save`, `post_save`, `pre_delete` or `post_delete` gets them in a parameter
`changes`, if it has one. They are computed at the flush, the save or the deletion and hold values
only, so they stay valid after the commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Change", "Changes", "merge_changes"]


class Change(NamedTuple):
    """The change of one attribute.

    Attributes:
        old: the value in the database; None for a new row, or if it is unknown.
        new: the value that is written; None for a row that is deleted.
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


def _is_equal(name: str, old: Any, new: Any) -> bool:  # noqa: ARG001
    try:
        return bool(old == new)
    except Exception:  # noqa: BLE001  # such as an array of booleans
        return False


def merge_changes(
    changes: Iterable[Changes], is_equal: Callable[[str, Any, Any], bool] = _is_equal
) -> Changes:
    """Return the changes from before the first to after the last of several saves of one row.

    Each attribute has its first old value and its last new value. An attribute that has its first
    value again is left out.

    Args:
        changes: the changes of each save, in order.
        is_equal: returns whether two values of an attribute are equal: the name, and both values.
    """
    first: dict[str, Change] = {}
    last: dict[str, Change] = {}
    pending: set[str] = set()
    unknown: set[str] = set()
    for each in changes:
        # The old value of a pending attribute is not reported.
        unknown |= {*each.unknown, *each.pending} - first.keys() - pending
        for name, change in each.items():
            first.setdefault(name, change)
            last[name] = change
        pending = (pending - each.keys()) | each.pending
    merged: dict[str, tuple[Any, Any]] = {}
    for name, change in last.items():
        old = None if name in unknown else first[name].old
        is_back = change is not first[name] and is_equal(name, old, change.new)
        if name not in pending and (name in unknown or not is_back):
            merged[name] = (old, change.new)
    return Changes(merged, pending, unknown & merged.keys())
