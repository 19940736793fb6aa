"""The names of tasks for Sentry and OpenTelemetry."""

import asyncio
import sys
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from clarion import Signal
from clarion.background import Engine, EngineDelivery, deliver
from clarion.background.monitoring import name_hand_over, name_task


def mail(sender, **kwargs):
    """Send a mail."""


def failing(sender, **kwargs):
    """Fail."""
    raise LookupError("mine")


@pytest.fixture
def events():
    """Yield the events that Sentry would send."""
    with _sentry() as kept:
        yield kept


@contextmanager
def _sentry(**options: Any):
    """Yield what Sentry would send inside the block."""
    sentry_sdk: Any = pytest.importorskip("sentry_sdk")

    base: Any = sentry_sdk.transport.Transport

    class Kept(base):  # type: ignore[misc]
        def __init__(self, options=None):
            super().__init__(options)
            self.kept = []

        def capture_envelope(self, envelope):
            self.kept += [item.payload.json for item in envelope.items]

    kept = Kept()
    address = "https://key@example.invalid/1"
    client = sentry_sdk.Client(address, transport=kept, traces_sample_rate=1.0, **options)
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        try:
            yield kept.kept
        finally:
            # Otherwise its threads run on, and use `random` in the tests that follow.
            client.close(timeout=0)


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


def test_sentry_names_streamed_spans():
    """Where Sentry streams its spans, they get the names that they get without."""
    with _sentry(trace_lifecycle="stream") as sent:
        from sentry_sdk import flush, traces

        with traces.start_span(name="clarion.deliver", parent_span=None):
            for operation in ("queue.process", "mine"):
                with traces.start_span(name="mine", attributes={"sentry.op": operation}):
                    name_task("shop.mail")
            for name in ("clarion.deliver", "mine"):
                with traces.start_span(name=name):
                    name_hand_over("shop.receipt")
        flush()
    names = [each["name"] for part in sent for each in part["items"]]
    assert names == ["shop.mail", "mine", "shop.receipt", "mine", "shop.mail"]


class _Inline(Engine):
    """Calls the receiver inside the hand-over, as engines do in their test modes."""

    def __init__(self, begin: Any = nullcontext) -> None:
        self.begin = begin

    def enqueue(self, call):
        with self.begin():
            deliver(call.body)

    async def aenqueue(self, call):
        self.enqueue(call)


async def _send(receiver_name: str, engine: Engine) -> None:
    """Send to a receiver with a name, from sync code and from a coroutine."""
    signal = Signal(name="tests.monitoring.order_paid")
    signal.connect(mail, delivery=EngineDelivery(engine)(name=receiver_name))
    signal.send(None)
    await signal.asend(None)


def test_a_request_keeps_its_name_in_sentry(events):
    """A receiver that runs inside the hand-over names the transaction of its task, and no other one."""
    import sentry_sdk

    @contextmanager
    def instrumented():
        with sentry_sdk.isolation_scope(), sentry_sdk.start_transaction(name="clarion.deliver"):
            yield

    with sentry_sdk.start_transaction(name="GET /orders"):
        asyncio.run(_send("shop.mail", _Inline()))
        asyncio.run(_send("shop.receipt", _Inline(instrumented)))
    names = [each["transaction"] for each in events]
    assert names == ["shop.receipt", "shop.receipt", "GET /orders"]


def test_a_request_keeps_the_name_of_its_span():
    """A receiver that runs inside the hand-over names the span of its task, and no other one."""
    trace: Any = pytest.importorskip("opentelemetry.trace")
    base: Any = trace.NonRecordingSpan
    names: list[Any] = []

    class Span(base):  # type: ignore[misc]
        def __init__(self, number):
            super().__init__(trace.SpanContext(1, number, is_remote=False))

        def update_name(self, name):
            names.append((self.get_span_context().span_id, name))

    with trace.use_span(Span(1)):
        asyncio.run(_send("shop.mail", _Inline()))
        asyncio.run(_send("shop.receipt", _Inline(lambda: trace.use_span(Span(2)))))
    assert names == [(2, "shop.receipt")] * 2


def test_neither_is_imported(monkeypatch):
    """A call imports neither OpenTelemetry nor Sentry if the program has not."""
    for name in ("opentelemetry", "sentry_sdk"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    name_task("shop.mail")
    name_hand_over("shop.mail")
    assert {"opentelemetry", "sentry_sdk"}.isdisjoint(sys.modules)
