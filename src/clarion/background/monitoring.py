"""Name a call after its receiver, in the tools that monitor the program.

The instrumentations of the engines name every call after the one task, `clarion.deliver`: in the program
that sends it, and in the worker.
"""

from __future__ import annotations

import sys
from typing import Any

from clarion.envelope.trace import name_span, rename_span

TASK = "clarion.deliver"  # the name of the one task, on each engine that names its tasks


def name_task(receiver: str) -> None:
    """Name the current span of OpenTelemetry, and the transaction and span of Sentry, after a receiver.

    Args:
        receiver: the stable name of the receiver.
    """
    name_span(receiver)
    sentry: Any = sys.modules.get("sentry_sdk")  # loaded, if the program uses it
    if sentry is not None and hasattr(sentry, "get_current_scope"):
        sentry.get_current_scope().set_transaction_name(receiver, source="task")
        _name_inner_span(sentry.get_current_span(), receiver)


def name_hand_over(receiver: str) -> None:
    """Name the spans that measure the hand-over of a call, if their name is that of the task.

    An engine calls it where an instrumentation has begun such a span, while it publishes the call.

    Args:
        receiver: the stable name of the receiver.
    """
    rename_span(TASK, receiver)
    sentry: Any = sys.modules.get("sentry_sdk")
    if sentry is not None and hasattr(sentry, "get_current_span"):
        span: Any = sentry.get_current_span()
        if getattr(span, "description", None) == TASK:
            span.description = receiver


def _name_inner_span(span: Any, receiver: str) -> None:
    """Name the span of Sentry that measures the task inside its transaction, as with Celery."""
    if getattr(span, "op", None) == "queue.process" and hasattr(span, "description"):
        span.description = receiver
