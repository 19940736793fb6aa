"""Send the pre signals of a flush before it, and the post signals after it.

A receiver of a pre signal may change what the flush writes. So the pre signals of the changes
are sent in another round, until a round finds nothing new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.orm.attributes import instance_state

from clarion._core.tabled import table_of
from clarion.errors import EndlessFlushError
from clarion.integrations.sqlalchemy.binds import alias_of_row, is_sharded
from clarion.integrations.sqlalchemy.flush.change_sets import ChangeSets, written_changes
from clarion.integrations.sqlalchemy.flush.many_to_many import (
    association_table,
    forget_side,
    is_reverse,
)
from clarion.integrations.sqlalchemy.flush.plan import Planner
from clarion.integrations.sqlalchemy.rows.changes import provide_changes
from clarion.integrations.sqlalchemy.rows.expired import load_expired
from clarion.integrations.sqlalchemy.send import deliver, sender_for, sending_for
from clarion.integrations.sqlalchemy.signals import (
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy.orm import InstanceState, Session

    from clarion.integrations.sqlalchemy.flush.many_to_many import Link, Pair
    from clarion.integrations.sqlalchemy.flush.plan import Delete, Plan, Save
    from clarion.integrations.sqlalchemy.model_signal import ModelSignal

    State = InstanceState[Any]

LIMIT = 100
"""The most rounds of pre signals that one flush may have."""


class PreSignals:
    """The pre signals of one flush.

    Args:
        session: the session that flushes.
        only: the objects that the flush is restricted to; None for all.
    """

    def __init__(self, session: Session, only: Iterable[Any] | None) -> None:
        self.session = session
        self.planner = Planner(session, only)
        self.change_sets = ChangeSets(session)
        # They keep the objects alive, so that a new object cannot be mistaken for an old one.
        self._deleted: dict[State, Delete] = {}
        self._saved: dict[State, Save] = {}
        self._linked: set[Pair] = set()

    def send(self) -> Plan:
        """Send the signals that have not been sent yet; return the whole plan.

        Raises:
            EndlessFlushError: if receivers cause new writes in each of 100 rounds.
        """
        with sending_for(self.session):
            return self._send_rounds()

    def _send_rounds(self) -> Plan:
        new: list[Any] = []
        for _ in range(LIMIT):
            plan = self.planner.plan()
            deletes = [each for each in plan.deletes if each.state not in self._deleted]
            saves = [each for each in plan.saves if each.state not in self._saved]
            links = [each for link in plan.links if (each := link.without(self._linked))]
            new = [*deletes, *saves, *links]
            sent = self._send_deletes(deletes)
            with provide_changes(self.change_sets.for_signal(pre_save, saves).values()):
                sent += self._send_saves(saves, raw=plan.raw)
            sent += _send_links(links, "pre", raw=plan.raw)
            if not sent:
                self.change_sets.keep_old(post_save, plan.saves)
                self.change_sets.keep_last(post_delete, plan.deletes)
                return plan
        names = sorted({each.state.class_.__qualname__ for each in new})
        raise EndlessFlushError(
            f"After {LIMIT} rounds of pre signals, their receivers still cause new writes of "
            f"{', '.join(names)}. Change the receivers so that they stop.",
            names,
        )

    def _send_deletes(self, deletes: Collection[Delete]) -> int:
        _load_for_later(deletes)
        # An earlier receiver may have added one again.
        left = (each for each in deletes if not each.is_cancelled(self.session))
        with provide_changes(self.change_sets.keep_last(pre_delete, deletes)):
            return _send_deletes(pre_delete, left, self._deleted)

    def _send_saves(self, saves: Iterable[Save], *, raw: bool) -> int:
        send, sent = sender_for(pre_save), 0
        for each in saves:
            # An earlier receiver may have expunged or deleted it.
            if each.state.session_id is None or each.state in self.session._deleted:
                continue
            self._saved[each.state] = each
            if pre_save.has_listeners(each.sender):
                sent += 1
                send(
                    each.sender,
                    instance=each.instance,
                    raw=raw,
                    using=each.using,
                    update_fields=each.update_fields,
                )
        return sent


def _load_for_later(deletes: Collection[Delete]) -> None:
    """Read what receivers after the commit, or in a worker, can read no more once the row is deleted."""
    later = {
        sender
        for sender in {each.sender for each in deletes}
        if any(
            registration.delivery is not None
            for signal in (pre_delete, post_delete)
            for registration in table_of(signal).find_route(sender).registrations
        )
    }
    for each in deletes:
        if each.sender in later:
            load_expired(each.state)
            load_expired(instance_state(each.origin))


def send_post_signals(session: Session, plan: Plan) -> None:
    """Send the post signals of the rows that were written."""
    if is_sharded(session):
        # A receiver, or a mapper event, may have changed the value that selects the shard.
        written: list[Save | Link] = [*plan.saves, *plan.links]
        for each in written:
            each.using = alias_of_row(session, each.state)
    with sending_for(session):
        with provide_changes(written_changes(plan)):
            # Deletes first: another object may have the row of a deleted one now.
            _send_deletes(post_delete, [each for each in plan.deletes if each.state._deleted], {})
            _send_post_saves(plan.saves, raw=plan.raw)
        for link in plan.links:
            forget_side(link)
        _send_links(plan.links, "post", raw=plan.raw)


def _send_deletes(
    signal: ModelSignal[..., Any], deletes: Iterable[Delete], seen: dict[State, Delete]
) -> int:
    send, sent = sender_for(signal), 0
    for each in deletes:
        seen[each.state] = each
        if signal.has_listeners(each.sender):
            sent += 1
            send(each.sender, instance=each.instance, using=each.using, origin=each.origin)
    return sent


def _send_post_saves(saves: Iterable[Save], *, raw: bool) -> None:
    send = sender_for(post_save)
    for each in saves:
        if each.state.key is not None and post_save.has_listeners(each.sender):
            send(
                each.sender,
                instance=each.instance,
                created=each.created,
                update_fields=each.update_fields,
                raw=raw,
                using=each.using,
            )


def _send_links(links: Iterable[Link], when: str, *, raw: bool) -> int:
    sent = 0
    for each in links:
        table = association_table(each.prop)
        if m2m_changed.has_listeners(table):
            sent += 1
            deliver(
                m2m_changed,
                table,
                action=f"{when}_{each.action}",
                instance=each.instance,
                reverse=is_reverse(each.prop),
                model=each.prop.mapper.class_,
                pk_set=each.pk_set,
                using=each.using,
                raw=raw,
            )
    return sent
