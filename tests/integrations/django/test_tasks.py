"""django.tasks: the backends for tests, the options, and what is refused."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import override_settings

pytest.importorskip("clarion.integrations.django.tasks", reason="needs Django 6 or django-tasks")


from clarion import Signal, durable
from clarion._core.loops import is_loop_running
from clarion.background import Call
from clarion.commit import atomic
from clarion.errors import ArgumentError
from clarion.integrations.django.tasks import DjangoTasksDelivery, deliver

made: list[Any] = []


def mail(sender, order_id, attempt, **kwargs):
    """Note the call."""
    made.append((order_id, attempt))


async def amail(sender, order_id, attempt, **kwargs):
    """Note the call, in a coroutine."""
    await asyncio.sleep(0)
    made.append((order_id, attempt))


def fail(sender, **kwargs):
    """Fail."""
    raise LookupError


@pytest.fixture
def order_paid():
    """Return a signal."""
    made.clear()
    return Signal(name="tests.django_tasks.order_paid")


@pytest.fixture
def dummy():
    """Return the backend that keeps its tasks, empty."""
    found: Any = DjangoTasksDelivery("dummy").engine.backend  # type: ignore[attr-defined]
    found.clear()
    return found


@pytest.mark.parametrize("receiver", [mail, amail])
def test_the_immediate_backend_calls_the_receiver(order_paid, receiver):
    """The immediate backend calls the receiver after the commit, in the same process."""
    order_paid.connect(receiver, delivery=DjangoTasksDelivery())
    with atomic():
        order_paid.send(None, order_id=7)
        assert made == []
    assert made == [(7, 1)]


def test_a_failure_is_the_status_of_the_task(order_paid, monkeypatch):
    """A failure is the status of the task, and the immediate backend does not raise it."""
    results = []
    monkeypatch.setattr(
        type(deliver),
        "enqueue",
        lambda task, **kw: results.append(task.get_backend().enqueue(task, [], kw)),
    )
    order_paid.connect(fail, delivery=DjangoTasksDelivery())
    order_paid.send(None)
    ((error,),) = (each.errors for each in results)
    assert error.exception_class is LookupError


def test_the_dummy_backend_keeps_the_task(order_paid, dummy):
    """The dummy backend keeps a task with the receiver's name first, and the options."""
    delivery = DjangoTasksDelivery("dummy")(queue_name="mail", priority=7)
    order_paid.connect(mail, delivery=delivery)
    ((_, response),) = order_paid.send(None, order_id=7)
    (result,) = dummy.results
    assert next(iter(result.kwargs.items())) == ("receiver", response.receiver)
    assert (result.task.queue_name, result.task.priority) == ("mail", 7)
    assert result.task.module_path == "clarion.integrations.django.tasks.deliver"
    assert delivery.counts["enqueued"] == 1
    assert made == []


def test_asend_hands_over(order_paid, dummy):
    """`asend` hands the call over, too."""
    order_paid.connect(mail, delivery=DjangoTasksDelivery("dummy"))
    asyncio.run(order_paid.asend(None, order_id=7))
    assert len(dummy.results) == 1


def test_a_delay_is_run_after(dummy):
    """The delay of a call is the `run_after` of its task."""
    DjangoTasksDelivery("dummy").engine.enqueue(Call("mail", uuid4(), "{}", delay=60))
    (result,) = dummy.results
    assert result.task.run_after is not None


@pytest.mark.parametrize(
    ("alias", "given", "names", "said"),
    [
        ("dummy", {"queu": "mail"}, ["queu"], "It has priority, queue_name"),
        ("dummy", {"backend": "default"}, ["backend"], "DjangoTasksDelivery"),
        ("dummy", {"run_after": None}, ["run_after"], "Use delay="),
        ("dummy", {"retries": 2}, ["retries"], "no retries"),
        ("dummy", {"key": "order_id"}, ["key"], "durable"),
        ("dummy", {"queue_name": "x"}, ["queue_name"], r"Queue 'x' is not valid .*\w\. Change"),
        ("dummy", {"priority": "high"}, ["priority"], "was given priority=a str. Give a number"),
        ("dummy", {"priority": 1000}, ["priority"], r"does not take priority: .*\w\. Change"),
        ("default", {"delay": 60}, ["delay"], "run_after"),
    ],
)
def test_other_options_are_refused(order_paid, alias, given, names, said):
    """Other options are refused at connect, with the cure."""
    with pytest.raises(ArgumentError, match=said) as caught:
        order_paid.connect(mail, delivery=DjangoTasksDelivery(alias)(**given))
    assert list(caught.value.names) == names


def test_losses_are_said():
    """The losses of a backend with workers, and of the one for tests, are listed."""
    assert list(DjangoTasksDelivery().engine.losses()) == []
    (loss,) = DjangoTasksDelivery("dummy").engine.losses()
    assert "BACKEND" in loss
    (loss,) = DjangoTasksDelivery("queue").engine.losses()
    assert "is not made again" in loss


@pytest.mark.parametrize("alias", ["default", "dummy"])
def test_stored_deliveries_are_not_handed_over(order_paid, alias):
    """No backend gets stored deliveries, the immediate one neither, because it hides a receiver's error."""
    with pytest.raises(ArgumentError, match="nothing may be lost there") as caught:
        order_paid.connect(mail, delivery=durable(via=DjangoTasksDelivery(alias)))
    assert list(caught.value.names) == ["via"]
    with pytest.raises(ArgumentError, match="does not keep the order"):
        order_paid.connect(mail, delivery=durable(via=DjangoTasksDelivery(alias), key="order_id"))


@pytest.mark.parametrize(
    ("alias", "said"),
    [
        ("nothing", "Name a backend in the setting TASKS: 'default', 'dummy'"),
        ("broken", r"'nowhere'\. Correct its BACKEND in the setting TASKS, or install"),
        (5, "TASKS"),
    ],
)
def test_only_backends_are_accepted(alias, said):
    """Anything but a backend is refused, and one whose class cannot be imported."""
    broken = {**settings.TASKS, "broken": {"BACKEND": "nowhere.Backend"}}
    with override_settings(TASKS=broken), pytest.raises(ArgumentError, match=said):
        DjangoTasksDelivery(alias)


def test_a_backend_of_the_other_package_is_asked_alike(order_paid):
    """Django 6 may have a backend that derives from those of the package django-tasks."""
    pytest.importorskip("django_tasks")
    backend = {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}
    with override_settings(TASKS={**settings.TASKS, "other": backend}):
        for given in ({"priority": 1000}, {"queue_name": "x"}, {"delay": 5}):
            with pytest.raises(ArgumentError, match=r"The backend 'other' .*Change the option"):
                order_paid.connect(mail, delivery=DjangoTasksDelivery("other")(**given))


def test_overridden_settings_apply_to_a_delivery(order_paid, dummy):
    """A delivery uses the backend that the settings name at the send, as a test overrides them."""
    delivery = DjangoTasksDelivery()
    order_paid.connect(mail, delivery=delivery)
    with override_settings(TASKS={"default": settings.TASKS["dummy"]}):
        order_paid.send(None, order_id=7)
        (loss,) = delivery.engine.losses()
        assert "DummyBackend" in loss
    assert made == []
    order_paid.send(None, order_id=8)
    assert made == [(8, 1)]


def test_a_sync_commit_in_an_event_loop_enqueues_in_a_thread(monkeypatch):
    """A sync commit in an event loop enqueues in a thread, and its errors reach the caller."""
    loops: list[bool] = []
    failing: list[bool] = []

    def enqueue(task, **arguments):
        loops.append(is_loop_running())
        if failing:
            raise LookupError

    engine: Any = DjangoTasksDelivery("dummy").engine
    monkeypatch.setattr(type(deliver), "enqueue", enqueue)

    async def main():
        engine.enqueue(Call("mail", uuid4(), "{}"))
        failing.append(True)
        with pytest.raises(LookupError):
            engine.enqueue(Call("mail", uuid4(), "{}"))

    asyncio.run(main())
    assert loops == [False, False]
