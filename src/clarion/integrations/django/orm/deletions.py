"""One deletion of a row with several tables, for receivers with `subclasses=True`.

Django sends `pre_delete` and `post_delete` for the child's table and for each parent's. A receiver
of the parent that listens to subclasses gets the child's send only.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.db.models.signals import post_delete, pre_delete

from clarion._core.instrument import Instrument, attach
from clarion._core.tabled import table_of
from clarion.integrations.django.dispatch.table import listening_hooks

if TYPE_CHECKING:
    from clarion._core.instrument import Send
    from clarion._core.signatures import Receiver

# An attribute of the origin of a deletion: the signal, model and key of each parent's row.
_PARENTS = "_clarion_deleted_parents"


class ParentRows(Instrument):
    """Skips receivers with `subclasses=True` in the sends for the parents' tables."""

    def began(self, send: Send) -> None:
        """Note the rows that the object has in the tables of its parents."""
        instance, origin = send.arguments.get("instance"), send.arguments.get("origin")
        meta: Any = getattr(send.sender, "_meta", None)
        if meta is None or not hasattr(origin, "__dict__"):
            return
        for parent in meta.all_parents:
            key = getattr(instance, parent._meta.pk.attname, None)
            origin.__dict__.setdefault(_PARENTS, set()).add((id(send.signal), parent, key))

    def allows(self, send: Send, receiver: Receiver) -> bool:
        """Return False if the receiver has `subclasses=True`, and so had the send for the child."""
        return not _is_of_parent(send) or not any(
            registration.subclasses and registration.live() == receiver
            for registration in table_of(send.signal).registrations()
        )

    def ended(self, send: Send) -> None:
        """Forget the row."""
        if _is_of_parent(send):
            _parents_of(send).discard(_row_of(send))


def _row_of(send: Send) -> tuple[int, object, object]:
    instance = send.arguments.get("instance")
    return id(send.signal), send.sender, getattr(instance, "pk", None)


def _parents_of(send: Send) -> set[object]:
    found: set[object] = getattr(send.arguments.get("origin"), "__dict__", {}).get(_PARENTS, set())
    return found


def _is_of_parent(send: Send) -> bool:
    return _row_of(send) in _parents_of(send)


_parent_rows = ParentRows()


def _begin(signal: Any, sender: object, subclasses: bool) -> None:  # noqa: ARG001, FBT001
    if subclasses and _parent_rows not in table_of(signal).instruments:
        attach(_parent_rows, signal)


for _signal in (pre_delete, post_delete):
    listening_hooks[id(_signal)] = partial(_begin, _signal)
