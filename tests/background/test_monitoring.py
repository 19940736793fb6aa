"""The names of tasks for Sentry and OpenTelemetry."""

import sys
from typing import Any

import pytest

from clarion import Signal
from clarion.background import EngineDelivery, deliver
from clarion.background.monitoring import name_hand_over, name_task


def mail(sender, **kwargs):
    """Send a mail."""


def failing(sender, **kwargs):
    """Fail."""
    raise LookupError("mine")


@pytest.fixture
def events():
    """Yield the events that Sentry would send."""
    sentry_sdk: Any = pytest.importorskip("sentry_sdk")

    base: Any = sentry_sdk.transport.Transport

    class Kept(base):  # type: ignore[misc]
        def __init__(self, options=None):
            super().__init__(options)
            self.kept = []

        def capture_envelope(self, envelope):
            self.kept += [item.payload.json for item in envelope.items]

    kept = Kept()
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(
            sentry_sdk.Client(
                "https://key@example.invalid/1", transport=kept, traces_sample_rate=1.0
            )
        )
        yield kept.kept


def test_sentry_names_the_receiver(events, recorder):
    """In Sentry, an error and a transaction have the name of the receiver, not of the carrier task."""
    import sentry_sdk

    signal = Signal(name="tests.monitoring.order_paid")
    signal.connect(failing, delivery=EngineDelivery(recorder)(name="shop.mail"))
    signal.send(None)
    with sentry_sdk.start_transaction(name="clarion.deliver", op="queue.task"):
        try:
            deliver(recorder.calls[0].body)
        except LookupError as error:
            sentry_sdk.capture_exception(error)
    assert [each["transaction"] for each in events] == ["shop.mail", "shop.mail"]


def test_sentry_names_the_span_of_the_task(events, recorder):
    """The span that measures the task gets the name of the receiver, and a span of the program keeps its own."""
    import sentry_sdk

    signal = Signal(name="tests.monitoring.order_paid")
    signal.connect(mail, delivery=EngineDelivery(recorder)(name="shop.mail"))
    signal.send(None)
    with sentry_sdk.start_transaction(name="clarion.deliver", op="queue.task"):
        for op in ("queue.process", "mine"):
            with sentry_sdk.start_span(op=op, name="clarion.deliver"):
                deliver(recorder.calls[0].body)
    (event,) = events
    spans = [(each["op"], each["description"]) for each in event["spans"]]
    assert spans == [("queue.process", "shop.mail"), ("mine", "clarion.deliver")]


def test_a_span_has_the_name_of_the_receiver(recorder):
    """The span that the engine's instrumentation has begun gets the receiver's name."""
    trace: Any = pytest.importorskip("opentelemetry.trace")

    base: Any = trace.NonRecordingSpan

    class Span(base):  # type: ignore[misc]
        def update_name(self, name):
            names.append(name)

    names: list[str] = []
    context = trace.SpanContext(1, 1, is_remote=False)
    signal = Signal(name="tests.monitoring.order_sent")
    signal.connect(mail, delivery=EngineDelivery(recorder)(name="shop.mail"))
    signal.send(None)
    with trace.use_span(Span(context)):
        deliver(recorder.calls[0].body)
    assert names == ["shop.mail"]


def test_sentry_names_the_span_of_the_hand_over(events):
    """The span of the task that is published gets the receiver's name, and another one keeps its own."""
    import sentry_sdk

    with sentry_sdk.start_transaction(name="GET /orders"):
        name_hand_over("shop.mail")
        for name in ("clarion.deliver", "mine"):
            with sentry_sdk.start_span(op="queue.submit", name=name):
                name_hand_over("shop.mail")
    (event,) = events
    assert event["transaction"] == "GET /orders"
    assert [each["description"] for each in event["spans"]] == ["shop.mail", "mine"]


def test_neither_is_imported(monkeypatch):
    """A call imports neither OpenTelemetry nor Sentry if the program has not."""
    for name in ("opentelemetry", "sentry_sdk"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    name_task("shop.mail")
    name_hand_over("shop.mail")
    assert {"opentelemetry", "sentry_sdk"}.isdisjoint(sys.modules)
