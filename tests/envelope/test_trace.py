"""OpenTelemetry's own propagators carry the trace."""

import subprocess
import sys
from typing import Any

from opentelemetry import propagate
from opentelemetry import trace as otel
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from clarion.envelope import trace

SPAN = NonRecordingSpan(SpanContext(0x1234, 0x56, is_remote=False, trace_flags=TraceFlags(1)))


def test_the_current_trace_is_continued():
    """The receiver's parent span is that of the sender."""
    headers: dict[str, object] = {}
    with otel.use_span(SPAN):
        trace.inject(headers)
    assert headers["traceparent"] == f"00-{0x1234:032x}-{0x56:016x}-01"
    with trace.extracted(headers):
        assert otel.get_current_span().get_span_context().trace_id == 0x1234
    assert otel.get_current_span().get_span_context().trace_id == 0


def test_without_a_trace_nothing_is_added():
    """Without a trace no header is added."""
    headers: dict[str, object] = {}
    trace.inject(headers)
    assert headers == {}
    with trace.extracted(headers):
        assert not otel.get_current_span().get_span_context().is_valid


def test_the_propagators_are_asked_only_in_a_context(monkeypatch):
    """A package may load the API in a program without traces, so an empty context costs no propagator."""
    asked: list[object] = []

    def note(carrier: dict[str, object], **kwargs: object) -> None:
        asked.append(otel.get_current_span())

    monkeypatch.setattr(propagate.get_global_textmap(), "inject", note)
    trace.inject({})
    with otel.use_span(SPAN):
        trace.inject({})
    assert asked == [SPAN]


def test_a_current_span_is_seen_and_named():
    """A task that is instrumented has a span, which gets the receiver's name."""
    base: Any = otel.NonRecordingSpan

    class Span(base):  # type: ignore[misc]
        def update_name(self, name):
            names.append(name)

    names: list[str] = []
    assert not trace.is_traced()
    trace.name_span("before")
    with otel.use_span(Span(SPAN.get_span_context())):
        assert trace.is_traced()
        trace.name_span("shop.mail")
    assert names == ["shop.mail"]


def test_a_part_of_a_span_is_renamed():
    """A span that lacks the part, or shows no name, keeps it."""
    base: Any = otel.NonRecordingSpan

    class Span(base):  # type: ignore[misc]
        def update_name(self, name):
            names.append(name)

    names: list[str] = []
    for shown in ("send/clarion.deliver", "GET /orders", None):
        span: Any = Span(SPAN.get_span_context())
        span.name = shown
        with otel.use_span(span):
            trace.rename_span("clarion.deliver", "shop.mail")
    assert names == ["send/shop.mail"]


def test_opentelemetry_is_not_imported():
    """A process without OpenTelemetry, which asserts so itself, does not import it."""
    code = (
        "import sys; from clarion.envelope import trace; trace.inject({}); trace.name_span('x');"
        "trace.rename_span('x', 'y');"
        "\nwith trace.extracted({'traceparent': 'x'}): pass"
        "\nassert 'opentelemetry' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
