"""Name the task of a call after its receiver, in the tools that monitor the program.

The instrumentations of the engines name every call after the one task, `clarion.deliver`.
"""

from __future__ import annotations

import sys
from typing import Any

from clarion.envelope.trace import name_span


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


def _name_inner_span(span: Any, receiver: str) -> None:
    """Name the span of Sentry that measures the task inside its transaction, as with Celery."""
    if getattr(span, "op", None) == "queue.process" and hasattr(span, "description"):
        span.description = receiver
