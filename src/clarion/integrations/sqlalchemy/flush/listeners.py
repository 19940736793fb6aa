"""The listeners of a session's flush, which `hooks` attaches.

Before a flush nothing is written, and receivers may still change what it writes. After it
everything is written, and a receiver may flush again once SQLAlchemy's own flag allows it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from clarion.integrations.sqlalchemy.flush.guard import allow_flush, refuse_end
from clarion.integrations.sqlalchemy.flush.mapper_events import add_changes
from clarion.integrations.sqlalchemy.flush.sending import PreSignals, send_post_signals
from clarion.integrations.sqlalchemy.flush.session import SignalSession

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, UOWTransaction

    from clarion.integrations.sqlalchemy.flush.plan import Plan

_PLAN = "clarion_plan"
_PRE_SIGNALS = "clarion_pre_signals"


def before_flush(session: Session, context: UOWTransaction, objects: Any) -> None:
    """Send the pre signals, and keep the plan for the post signals."""
    pre_signals = PreSignals(session, objects or None)
    with refuse_end(session):
        context.attributes[_PLAN] = pre_signals.send()
    context.attributes[_PRE_SIGNALS] = pre_signals


def before_flush_again(session: Session, context: UOWTransaction, objects: Any) -> None:  # noqa: ARG001
    """Send the pre signals of changes made by the listeners of user code."""
    pre_signals: PreSignals | None = context.attributes.pop(_PRE_SIGNALS, None)
    if pre_signals is not None:
        with refuse_end(session):
            context.attributes[_PLAN] = pre_signals.send()


def after_writes(session: Session, context: UOWTransaction) -> None:
    """Complete the plan, while SQLAlchemy still has the changes of the flush."""
    plan: Plan | None = context.attributes.get(_PLAN)
    if plan is not None:
        add_changes(session, plan, context)


def after_flush(session: Session, context: UOWTransaction) -> None:
    """Send the post signals now, or after the flush of a `SignalSession`."""
    plan: Plan | None = context.attributes.pop(_PLAN, None)
    if not plan:
        return
    if isinstance(session, SignalSession):
        session.clarion_after_flush.append(partial(send_post_signals, session, plan))
        return
    with allow_flush(session), refuse_end(session):
        send_post_signals(session, plan)
