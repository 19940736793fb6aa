"""The change sets of one flush."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clarion._core.tabled import table_of
from clarion.integrations.sqlalchemy.rows.changes import ChangeSet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy.orm import InstanceState, Session

    from clarion.integrations.sqlalchemy.flush.plan import Save
    from clarion.integrations.sqlalchemy.model_signal import ModelSignal

    State = InstanceState[Any]


class ChangeSets:
    """The change sets of one flush, of the classes whose receivers request `changes`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._made: dict[State, ChangeSet] = {}

    def for_signal(
        self, signal: ModelSignal[..., Any], saves: Collection[Save]
    ) -> dict[Save, ChangeSet]:
        """Return the change sets that receivers of a signal request."""
        senders = {each.sender for each in saves}
        requesting = {sender for sender in senders if _requests_changes(signal, sender)}
        if not requesting:
            return {}
        return {each: self._of(each.state) for each in saves if each.sender in requesting}

    def _of(self, state: State) -> ChangeSet:
        if state not in self._made:
            self._made[state] = ChangeSet(self._session, state)
        return self._made[state]

    def keep_old(self, signal: ModelSignal[..., Any], saves: Collection[Save]) -> None:
        """Keep the values that the flush overwrites, for receivers of a signal."""
        for save, change_set in self.for_signal(signal, saves).items():
            change_set.keep_old(save.update_fields)
            save.change_set = change_set


def _requests_changes(signal: ModelSignal[..., Any], sender: type[Any]) -> bool:
    route = table_of(signal).find_route(sender)
    return not route.is_simple and any("changes" in each.requested for each in route.registrations)


def written_changes(saves: Iterable[Save]) -> list[ChangeSet]:
    """Return the change sets of the rows that were written, with the new values."""
    found: list[ChangeSet] = []
    for each in saves:
        if each.change_set is not None and each.state.key is not None:
            each.change_set.read_new(each.update_fields)
            found.append(each.change_set)
    return found
