"""The change sets of one flush."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from clarion._core.tabled import table_of
from clarion.integrations.sqlalchemy.rows.changes import ChangeSet

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import InstanceState, Session

    from clarion.integrations.sqlalchemy.flush.plan import Delete, Plan, Save
    from clarion.integrations.sqlalchemy.model_signal import ModelSignal

    State = InstanceState[Any]

T = TypeVar("T", "Save", "Delete")


class ChangeSets:
    """The change sets of one flush, of the classes whose receivers request `changes`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._made: dict[State, ChangeSet] = {}
        # Kept apart, because a receiver of pre_delete may add the object again.
        self._deleted: dict[State, ChangeSet] = {}

    def for_signal(
        self, signal: ModelSignal[..., Any], saves: Collection[Save]
    ) -> dict[Save, ChangeSet]:
        """Return the change sets that receivers of a signal request."""
        return {each: self._of(each.state) for each in _requesting(signal, saves)}

    def _of(self, state: State) -> ChangeSet:
        if state not in self._made:
            self._made[state] = ChangeSet(self._session, state)
        return self._made[state]

    def keep_old(self, signal: ModelSignal[..., Any], saves: Collection[Save]) -> None:
        """Keep the values that the flush overwrites, for receivers of a signal."""
        for save, change_set in self.for_signal(signal, saves).items():
            change_set.keep_old(save.update_fields)
            save.change_set = change_set

    def keep_last(
        self, signal: ModelSignal[..., Any], deletes: Collection[Delete]
    ) -> list[ChangeSet]:
        """Keep the values of deleted rows, for receivers of a signal; return the change sets."""
        found: list[ChangeSet] = []
        for each in _requesting(signal, deletes):
            if each.state not in self._deleted:
                change_set = self._deleted[each.state] = ChangeSet(self._session, each.state)
                change_set.keep_last()
            each.change_set = self._deleted[each.state]
            found.append(each.change_set)
        return found


def _requesting(signal: ModelSignal[..., Any], writes: Collection[T]) -> list[T]:
    """Return the writes of classes whose receivers request `changes`."""
    senders = {each.sender for each in writes}
    requesting = {sender for sender in senders if _requests_changes(signal, sender)}
    return [each for each in writes if each.sender in requesting] if requesting else []


def _requests_changes(signal: ModelSignal[..., Any], sender: type[Any]) -> bool:
    route = table_of(signal).find_route(sender)
    return not route.is_simple and any("changes" in each.requested for each in route.registrations)


def written_changes(plan: Plan) -> list[ChangeSet]:
    """Return the change sets of the rows that were written or deleted, with the new values."""
    found = [each.change_set for each in plan.deletes if each.change_set is not None]
    for each in plan.saves:
        if each.change_set is not None and each.state.key is not None:
            each.change_set.read_new(each.update_fields)
            found.append(each.change_set)
    return found
