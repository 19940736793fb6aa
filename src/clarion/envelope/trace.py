"""The trace of a send, if the program has loaded OpenTelemetry's API.

OpenTelemetry names the headers as the W3C Trace Context does. Only this module imports it, and only
if the program has already imported it.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

HEADERS = ("traceparent", "tracestate", "baggage")
CONTEXT = "opentelemetry.context"
"""The module that has the current trace. If it is not loaded, `inject` does nothing."""


def inject(headers: dict[str, Any]) -> None:
    """Add the headers of the current trace, if there is one."""
    # Other packages load the API too, and most sends have no trace: an empty context has none.
    context = sys.modules.get(CONTEXT)
    if context is not None and context.get_current():
        from opentelemetry import propagate

        propagate.inject(headers)


@contextmanager
def extracted(headers: Mapping[str, Any]) -> Generator[None]:
    """Continue the trace that the headers name."""
    carrier = {name: headers[name] for name in HEADERS if type(headers.get(name)) is str}
    if not carrier or "opentelemetry" not in sys.modules:
        yield
        return
    from opentelemetry import context, propagate

    token = context.attach(propagate.extract(carrier))
    try:
        yield
    finally:
        context.detach(token)


def current_span() -> Any:
    """Return the current span; None without one."""
    if "opentelemetry" not in sys.modules:
        return None
    from opentelemetry import trace

    span = trace.get_current_span()
    return span if span.get_span_context().is_valid else None


def is_traced() -> bool:
    """Return whether a span is already current here, as in a task that is instrumented."""
    return current_span() is not None


def name_span(name: str) -> None:
    """Give the current span a name, if there is one."""
    if (span := current_span()) is not None:
        span.update_name(name)


def rename_span(part: str, name: str) -> None:
    """Replace a part of the name of the current span, if it has this part.

    Args:
        part: the part.
        name: what to write in its place.
    """
    span = current_span()
    current: object = getattr(span, "name", None)  # only the spans of the SDK show it
    if isinstance(current, str) and part in current:
        span.update_name(current.replace(part, name))
