"""What Celery's monitoring and logs show of a call."""

from typing import Any

import pytest
from celery import Celery, Task, current_app, signals
from celery.exceptions import Retry

from clarion.background.monitoring import TASK
from clarion.integrations.celery import CeleryDelivery


def mail(sender, **kwargs):
    """Do nothing."""


def failing(sender, **kwargs):
    """Fail."""
    raise LookupError("mine")


def test_the_task_has_the_name_of_the_receiver(app, order_paid):
    """There is one task for all receivers; its shadow, which monitoring shows, is the receiver's name."""
    sent = []

    def note(sender, headers, routing_key, properties, **kwargs):
        sent.append((sender, headers["shadow"], routing_key, properties["priority"]))

    signals.before_task_publish.connect(note)
    delivery = CeleryDelivery(app)(queue="letters", priority=3)
    order_paid.connect(mail, delivery=delivery(name="shop.mail"))
    order_paid.send(None)
    assert sent == [(TASK, "shop.mail", "letters", 3)]


def test_monitoring_does_not_show_the_body(app, order_paid):
    """The arguments that Celery logs name the receiver and the uid, at the first run and at a retry."""
    sent: list[Any] = []

    def note(body, headers, **kwargs):
        sent.append((body, headers["argsrepr"], headers["kwargsrepr"], headers["retries"]))

    signals.before_task_publish.connect(note)
    order_paid.connect(failing, delivery=CeleryDelivery(app)(name="shop.mail", retries=2))
    ((_, response),) = order_paid.send(None, password="secret")  # noqa: S106
    task, args = app.tasks[TASK], sent[0][0][0]
    shown = {"argsrepr": sent[0][1], "kwargsrepr": sent[0][2]}
    task.push_request(args=args, kwargs={}, called_directly=False, **shown)
    with pytest.raises(Retry):
        task.run(*args)
    expected = (f"(<shop.mail, uid {response.uid}>,)", "{}")
    assert [each[1:] for each in sent] == [(*expected, 0), (*expected, 1)]


def test_spans_around_each_function_have_the_name_of_the_receiver(app, order_paid, monkeypatch):
    """Sentry begins a span around `apply_async` and another one around `send_task`, at a retry too."""
    sentry_sdk: Any = pytest.importorskip("sentry_sdk")
    spans: list[Any] = []

    def wrapped(function):
        def call(*args, **kwargs):
            with sentry_sdk.start_span(op="queue.submit.celery", name=TASK) as span:
                spans.append(span)
                return function(*args, **kwargs)

        return call

    for each, name in ((Task, "apply_async"), (Celery, "send_task")):
        monkeypatch.setattr(each, name, wrapped(getattr(each, name)))
    order_paid.connect(failing, delivery=CeleryDelivery(app)(name="shop.mail", retries=2))
    sent: list[Any] = []

    def note(body, headers, **kwargs):
        sent.append((body[0], headers["argsrepr"], headers["shadow"]))

    signals.before_task_publish.connect(note)
    order_paid.send(None)
    args, shown, _ = sent[0]
    task = app.tasks[TASK]
    task.push_request(args=args, kwargs={}, called_directly=False, argsrepr=shown)
    with pytest.raises(Retry):
        task.run(*args)
    assert [each.description for each in spans] == ["shop.mail"] * 4
    assert [each[2] for each in sent] == ["shop.mail", "shop.mail"]


def test_a_task_that_is_sent_by_hand_has_no_other_name(app):
    """A program may send the body of a call itself, for example to make it again."""
    engine: Any = CeleryDelivery(app).engine
    task = engine.task
    assert task.shadow_name(("{}",), {}, {}) is None


@pytest.mark.parametrize("is_first", [True, False])
def test_a_span_of_the_publication_has_the_name_of_the_receiver(app, order_paid, is_first):
    """Whether its instrumentation is connected before Clarion or after it, which sees the app, too."""
    trace: Any = pytest.importorskip("opentelemetry.trace")
    base: Any = trace.NonRecordingSpan
    seen: list[Any] = []

    class Span(base):
        name = "apply_async/clarion.deliver"

        def update_name(self, name):
            seen.append(name)

    spans: list[Any] = []

    def begin(**kwargs):
        seen.append(current_app._get_current_object() is app)
        spans.append(trace.use_span(Span(trace.SpanContext(1, 1, is_remote=False))))
        spans[-1].__enter__()

    def end(**kwargs):
        spans.pop().__exit__(None, None, None)

    published = (signals.before_task_publish, signals.after_task_publish)
    for signal, each in zip(published, (begin, end), strict=True):
        signal.connect(each)
        if is_first:
            signal.receivers.insert(0, signal.receivers.pop())
    order_paid.connect(mail, delivery=CeleryDelivery(app)(name="shop.mail"))
    order_paid.send(None)
    assert seen == [True, "apply_async/shop.mail"]
    assert spans == []
