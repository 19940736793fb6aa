"""Name a call after its receiver, in the tools that monitor the program.

The instrumentations of the engines name every call after the one task, `clarion.deliver`: in the program
that sends it, and in the worker.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from clarion.envelope.trace import current_span, name_span, rename_span

if TYPE_CHECKING:
    from collections.abc import Generator

TASK = "clarion.deliver"  # the name of the one task, on each engine that names its tasks


class _Current(NamedTuple):
    """The span of OpenTelemetry and the scope of Sentry that are current; None without one."""

    span: Any = None
    scope: Any = None


_NOTHING = _Current()
_senders: ContextVar[_Current] = ContextVar("clarion_senders_spans", default=_NOTHING)


@contextmanager
def kept_names() -> Generator[None]:
    """Keep the name of the current span and transaction, inside the block.

    An engine may call a receiver while it gets the call, as in its test mode. If no instrumentation has
    begun a span for the task then, the current one is that of a request, and keeps its name.
    """
    token = _senders.set(_Current(current_span(), _sentry_scope()))
    try:
        yield
    finally:
        _senders.reset(token)


def name_task(receiver: str) -> None:
    """Name the current span of OpenTelemetry, and the transaction and span of Sentry, after a receiver.

    Args:
        receiver: the stable name of the receiver.
    """
    senders = _senders.get()
    if senders.span is None or current_span() is not senders.span:
        name_span(receiver)
    scope = _sentry_scope()
    if scope is not None and scope is not senders.scope:
        sys.modules["sentry_sdk"].get_current_scope().set_transaction_name(receiver, source="task")
        # Celery's has a span inside its transaction, which measures the task.
        if (span := _sentry_span()) is not None and span.operation == "queue.process":
            span.rename(receiver)


def name_hand_over(receiver: str) -> None:
    """Name the spans that measure the hand-over of a call, if their name is that of the task.

    An engine calls it where an instrumentation has begun such a span, while it publishes the call.

    Args:
        receiver: the stable name of the receiver.
    """
    rename_span(TASK, receiver)
    if (span := _sentry_span()) is not None and span.name == TASK:
        span.rename(receiver)


def _sentry_scope() -> Any:
    """Return the scope of Sentry that an instrumentation begins for a task; None without Sentry."""
    sentry: Any = sys.modules.get("sentry_sdk")  # loaded, if the program uses it
    return sentry.get_isolation_scope() if hasattr(sentry, "get_isolation_scope") else None


class _SentrySpan:
    """A current span of Sentry, whether it is sent with its transaction or by itself (streamed)."""

    def __init__(self, span: Any, *, is_streamed: bool) -> None:
        self._span = span
        self._attribute = "name" if is_streamed else "description"
        self.name: object = getattr(span, self._attribute, None)
        self.operation: object = (
            span.get_attributes().get("sentry.op") if is_streamed else getattr(span, "op", None)
        )

    def rename(self, name: str) -> None:
        """Give it another name."""
        setattr(self._span, self._attribute, name)


def _sentry_span() -> _SentrySpan | None:
    """Return the current span of Sentry, if there is one."""
    sentry: Any = sys.modules.get("sentry_sdk")
    if not hasattr(sentry, "get_current_span"):
        return None
    if (span := sentry.get_current_span()) is not None:
        return _SentrySpan(span, is_streamed=False)
    streamed: Any = sys.modules.get("sentry_sdk.traces")
    if streamed is not None and (span := streamed.get_current_span()) is not None:
        return _SentrySpan(span, is_streamed=True)
    return None
