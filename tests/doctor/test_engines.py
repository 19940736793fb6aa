"""Engines that lose calls as they are configured."""

import pytest

from clarion._core import loading
from clarion.doctor import examine

ENGINE = """
from clarion import Signal, receiver
from clarion.background import Engine, EngineDelivery

class Threads(Engine):
    name = "the thread pool"

    def losses(self):
        return ["The thread pool forgets a call when the process ends. Use another one."]

class Queue(Engine):
    name = "the queue"

threads = EngineDelivery(Threads())
paid = Signal()

@receiver(paid, delivery=threads)
def mail(**kwargs): ...

@receiver(paid, delivery=threads(retries=2))
def count(**kwargs): ...

@receiver(paid, delivery=EngineDelivery(Queue()))
def queue(**kwargs): ...
"""


def test_an_engine_is_found_once(found):
    """At its first receiver by name, with what the engine itself says."""
    [finding] = found(ENGINE)
    assert (finding.code, finding.line) == ("W006", 20)
    assert finding.subject.endswith(".receivers:count")
    assert finding.problem == "The thread pool forgets a call when the process ends."
    assert finding.cure == "Use another one."


@pytest.mark.parametrize(
    ("delivery", "before"),
    [("queue", ""), ("durable(via=queue)", "durable(via=...) hands nothing over: ")],
)
def test_an_engine_that_can_take_no_call(found, delivery, before):
    """A warning is enough for `durable(via=...)`, too, because its deliveries stay stored."""
    text = """
    from clarion import Signal, durable, receiver
    from clarion.background import Engine, EngineDelivery

    class Queue(Engine):
        name = "the queue"

        def missing(self):
            return ["The queue has no client. Install one."]

    queue = EngineDelivery(Queue())
    paid = Signal(name="shop.paid")

    @receiver(paid, delivery=DELIVERY)
    def mail(**kwargs): ...

    @receiver(paid, delivery=DELIVERY)
    def store(**kwargs): ...
    """
    (warning,) = found(text.replace("DELIVERY", delivery))
    assert (warning.code, warning.cure) == ("W006", "Install one.")
    assert warning.problem == f"{before}The queue has no client."


def test_a_disconnected_receiver_does_not_count(found):
    """Nothing is found."""
    text = f"{ENGINE}\npaid.disconnect(mail)\npaid.disconnect(count)\n"
    assert found(text) == []


def test_a_real_engine(found):
    """Celery forgets what a killed worker was running, unless it is configured."""
    pytest.importorskip("celery")
    text = """
    from celery import Celery
    from clarion import Signal, receiver
    from clarion.integrations.celery import CeleryDelivery

    app = Celery("shop", broker="memory://", set_as_current=False)
    app.conf.update(SETTINGS)
    paid = Signal()

    @receiver(paid, delivery=CeleryDelivery(app))
    def mail(**kwargs): ...
    """
    findings = found(text.replace("SETTINGS", ""))
    assert {each.code for each in findings} == {"W006"}
    assert any("Set task_acks_late = True" in each.cure for each in findings)
    settings = "task_acks_late=True, task_reject_on_worker_lost=True"
    assert found(text.replace("SETTINGS", settings)) == []


def test_without_background_receivers_nothing_is_loaded():
    """The rule looks up what the program has loaded."""
    assert [each for each in examine() if each.code == "W006"] == []


def test_an_engine_of_stored_deliveries_is_an_error(found, monkeypatch):
    """A framework that loads the program leaves the refusal to the doctor."""
    text = ENGINE.replace("import Signal", "import Signal, durable").replace(
        "delivery=threads)", "delivery=durable(via=threads))"
    )
    monkeypatch.setattr(loading, "_loaders", [lambda: True])
    [error, warning] = found(text)
    assert (error.code, error.line) == ("E001", 17)
    assert error.problem == (
        "durable(via=...) hands nothing over: The thread pool forgets a call when the process ends."
    )
    assert error.cure == "Use another one."
    assert (warning.code, warning.line) == ("W006", 20)
