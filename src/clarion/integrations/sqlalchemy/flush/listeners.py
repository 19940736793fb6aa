"""Before a flush: what is to be written, and the pre signals. After it: the post signals.

Before a flush nothing is written yet, so a receiver may change what will be; whatever that
changes is told in another round, until a round finds nothing new. After it everything is
written and the session could flush again, but for a flag that says it is still at it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from clarion.errors import EndlessFlushError
from clarion.integrations.sqlalchemy.flush.changes import ChangeSets, settle, told
from clarion.integrations.sqlalchemy.flush.listener_order import others_follow
from clarion.integrations.sqlalchemy.flush.many_to_many import forget, is_reverse, table_of
from clarion.integrations.sqlalchemy.flush.plan import Planner
from clarion.integrations.sqlalchemy.flush.session import SignalSession
from clarion.integrations.sqlalchemy.send import deliver, sender_for
from clarion.integrations.sqlalchemy.signals import (
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from sqlalchemy.orm import InstanceState, Session, UOWTransaction

    from clarion.integrations.sqlalchemy.flush.many_to_many import Link, Pair
    from clarion.integrations.sqlalchemy.flush.plan import Delete, Plan, Save
    from clarion.integrations.sqlalchemy.model_signal import ModelSignal

    State = InstanceState[Any]

LIMIT = 100
"""How many rounds of pre signals a flush may have."""

_KEY = "clarion_plan"
_ROUNDS = "clarion_rounds"


def before_flush(session: Session, context: UOWTransaction, instances: Any) -> None:
    """Send the pre signals, and keep what the flush is going to do for the post signals."""
    rounds = Rounds(session, instances or None)
    context.attributes[_KEY] = rounds.run()
    if others_follow(session):
        context.attributes[_ROUNDS] = rounds


def before_flush_again(session: Session, context: UOWTransaction, instances: Any) -> None:  # noqa: ARG001
    """Send the pre signals of what the program's own listeners have changed since."""
    rounds: Rounds | None = context.attributes.pop(_ROUNDS, None)
    if rounds is not None:
        context.attributes[_KEY] = rounds.run()


def after_flush(session: Session, context: UOWTransaction) -> None:
    """Send the post signals, or leave them to a session that does so itself."""
    plan: Plan | None = context.attributes.pop(_KEY, None)
    if not plan:
        return
    if isinstance(session, SignalSession):
        session._clarion_due.append(plan)
        return
    with _flushed(session):
        send_after(session, plan)


@contextmanager
def _flushed(session: Session) -> Generator[None]:
    """Let receivers flush, query with autoflush and open savepoints, for all is written."""
    was_flushing = getattr(session, "_flushing", None)
    if was_flushing is None:
        yield  # a SQLAlchemy that keeps its flag elsewhere will refuse what it must refuse
        return
    session._flushing = False
    try:
        yield
    finally:
        session._flushing = was_flushing


class Rounds:
    """The pre signals of one flush: in rounds, until one finds nothing new.

    Args:
        session: the session that flushes.
        only: the objects that the flush is restricted to; None for all.
    """

    def __init__(self, session: Session, only: Iterable[Any] | None) -> None:
        self.session = session
        self.planner = Planner(session, only)
        self.changesets = ChangeSets(session)
        # These keep what they name alive, so that it is not mistaken for another.
        self._deleted: dict[State, Delete] = {}
        self._saved: dict[State, Save] = {}
        self._linked: set[Pair] = set()

    def run(self) -> Plan:
        """Send the pre signals of what is to be written and not told yet; return all of it.

        Raises:
            EndlessFlushError: if receivers have more to be written in each of 100 rounds.
        """
        fresh: list[Any] = []
        for _ in range(LIMIT):
            plan = self.planner.plan()
            deletes = [each for each in plan.deletes if each.state not in self._deleted]
            saves = [each for each in plan.saves if each.state not in self._saved]
            links = [new for each in plan.links if (new := each.without(self._linked)) is not None]
            fresh = [*deletes, *saves, *links]
            sent = self._deletes(deletes)
            with told(self.changesets.of(pre_save, saves).values()):
                sent += self._saves(saves, raw=plan.raw)
            sent += _links(self.planner, links, "pre", raw=plan.raw)
            if not sent:
                self.changesets.fix(post_save, plan.saves)
                return plan
        names = sorted({each.state.class_.__qualname__ for each in fresh})
        raise EndlessFlushError(
            f"After {LIMIT} rounds of pre signals there is still something new to write, of "
            f"{', '.join(names)}. See to it that their receivers come to an end.",
            names,
        )

    def _deletes(self, deletes: Iterable[Delete]) -> int:
        # An earlier receiver may have taken one back.
        still = (each for each in deletes if not each.is_taken_back(self.session))
        return _tell_deletes(pre_delete, still, self._deleted)

    def _saves(self, saves: Iterable[Save], *, raw: bool) -> int:
        send, sent = sender_for(pre_save), 0
        for each in saves:
            # An earlier receiver may have taken it out of the flush.
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


def _tell_deletes(
    signal: ModelSignal[..., Any], deletes: Iterable[Delete], seen: dict[State, Delete]
) -> int:
    send, sent = sender_for(signal), 0
    for each in deletes:
        seen[each.state] = each
        if signal.has_listeners(each.sender):
            sent += 1
            send(each.sender, instance=each.instance, using=each.using, origin=each.origin)
    return sent


def _post_saves(saves: Iterable[Save], *, raw: bool) -> None:
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


def _links(planner: Planner, links: Iterable[Link], when: str, *, raw: bool) -> int:
    sent = 0
    for each in links:
        table = table_of(each.prop)
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
                using=planner.using(each.state.mapper),
                raw=raw,
            )
    return sent


def send_after(session: Session, plan: Plan) -> None:
    """Send the post signals of what was written."""
    with told(settle(plan.saves)):
        # First what is gone: the row of one object may be another's now.
        _tell_deletes(post_delete, [each for each in plan.deletes if each.state._deleted], {})
        _post_saves(plan.saves, raw=plan.raw)
    for link in plan.links:
        forget(link)
    _links(Planner(session, None), plan.links, "post", raw=plan.raw)
