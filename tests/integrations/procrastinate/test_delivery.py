"""ProcrastinateDelivery with an app that keeps its jobs in memory."""

import asyncio
from typing import Any
from uuid import uuid4

import procrastinate as library
import pytest
from procrastinate.connector import BaseAsyncConnector
from procrastinate.testing import InMemoryConnector

from clarion.background import Call
from clarion.errors import ArgumentError, HandOverError, Reject, Retry
from clarion.integrations.procrastinate import ProcrastinateDelivery
from tests.integrations.procrastinate.receivers import made, mail


async def amail(sender, order_id, **kwargs):
    """Note the call, in a coroutine."""
    await asyncio.sleep(0)
    made.append(order_id)


def fail(sender, attempt, **kwargs):
    """Note the attempt, and fail."""
    made.append(attempt)
    raise LookupError


def again(sender, attempt, **kwargs):
    """Ask to be called again once."""
    made.append(attempt)
    if attempt == 1:
        raise Retry(after=0.0)


def reject(sender, attempt, **kwargs):
    """Give the call up."""
    made.append(attempt)
    raise Reject


@pytest.fixture
def memory():
    """Return an app that keeps its jobs in memory."""
    return library.App(connector=InMemoryConnector())


async def made_are(expected):
    """Wait until a worker has made these calls."""
    async with asyncio.timeout(30):
        while made != expected:  # noqa: ASYNC110  # a receiver has no event loop to signal on
            await asyncio.sleep(0.01)


def run_jobs(app):
    """Run the jobs of an app in memory that may begin now."""
    app.run_worker(wait=False, install_signal_handlers=False, listen_notify=False)


@pytest.mark.parametrize("receiver", [mail, amail])
def test_a_worker_calls_the_receiver(order_paid, memory, receiver):
    """A worker on the connector for tests calls sync and async receivers."""
    delivery = ProcrastinateDelivery(memory)
    order_paid.connect(receiver, delivery=delivery)
    ((_, response),) = order_paid.send(None, order_id=7)
    assert (response.status, response.is_within) == ("enqueued", False)
    (job,) = memory.connector.jobs.values()
    assert job["task_name"] == "clarion.deliver"
    assert next(iter(job["args"].items())) == ("receiver", response.receiver)
    assert made == []
    run_jobs(memory)
    assert made == [7]
    assert delivery.counts["enqueued"] == 1


def test_asend_hands_over(order_paid, memory):
    """`asend` hands the call over, too."""
    order_paid.connect(mail, delivery=ProcrastinateDelivery(memory))
    asyncio.run(order_paid.asend(None, order_id=7))
    run_jobs(memory)
    assert made == [7]


def test_the_outcome_of_receivers(order_paid, memory):
    """`retries=2` makes three runs, `Retry` causes another run, and `Reject` prevents one."""
    delivery = ProcrastinateDelivery(memory)(retries=2)

    async def run_all():
        for _ in range(4):
            for job in memory.connector.jobs.values():
                job["scheduled_at"] = None
            await memory.run_worker_async(
                wait=False, install_signal_handlers=False, listen_notify=False
            )

    for receiver, attempts, status in (
        (fail, [1, 2, 3], "failed"),
        (again, [1, 2], "succeeded"),
        (reject, [1], "failed"),
    ):
        memory.connector.reset()
        made.clear()
        with order_paid.connected(receiver, delivery=delivery):
            order_paid.send(None)
            asyncio.run(run_all())
        assert made == attempts
        found = [each for each in memory.connector.jobs.values() if "call_body" in each["args"]]
        assert [each["status"] for each in found] == [status]


def test_options_reach_the_job(memory):
    """A job has the options of `configure_task` unchanged, and our delay."""
    engine = ProcrastinateDelivery(memory).engine
    options = {"queue": "mail", "priority": 3, "lock": "mine"}
    engine.enqueue(Call("mail", uuid4(), "{}", delay=60, options=options))
    (job,) = memory.connector.jobs.values()
    assert (job["queue_name"], job["priority"], job["lock"]) == ("mail", 3, "mine")
    assert job["scheduled_at"] is not None


@pytest.mark.parametrize(
    ("given", "names", "said"),
    [
        ({"queu": "mail"}, ["queu"], "priority, queue, queueing_lock"),
        ({"schedule_in": {"seconds": 3}}, ["schedule_in"], "Use delay="),
        ({"connection": object()}, ["connection"], "connection of the send"),
        ({"key": "order_id", "lock": "x"}, ["key", "lock"], "Leave one out"),
        ({"queue": 3}, ["queue"], "queue=an int. Give text"),
        ({"lock": 3}, ["lock"], "lock=an int. Give text"),
        ({"queueing_lock": 3}, ["queueing_lock"], "queueing_lock=an int. Give text"),
        ({"priority": 1.5}, ["priority"], "priority=a float. Give an int"),
    ],
)
def test_other_options_are_refused(order_paid, memory, given, names, said):
    """Other options are refused at connect, with the cure."""
    with pytest.raises(ArgumentError, match=said) as caught:
        order_paid.connect(mail, delivery=ProcrastinateDelivery(memory)(**given))
    assert sorted(caught.value.names) == names


def test_a_priority_is_a_number(order_paid, memory):
    """A priority that is no number is refused at connect, and not at each send."""
    with pytest.raises(ArgumentError, match="procrastinate was given priority=a str"):
        order_paid.connect(mail, delivery=ProcrastinateDelivery(memory)(priority="high"))


def test_sync_code_in_a_loop_inserts_its_job_in_memory(order_paid, memory):
    """A sync send in a coroutine, such as that of an async test, inserts its job, and wakes a worker."""
    order_paid.connect(mail, delivery=ProcrastinateDelivery(memory)(name="shop.mail"))

    async def main():
        async with memory.open_async():
            order_paid.send(None, order_id=1)
            worker = asyncio.create_task(memory.run_worker_async(install_signal_handlers=False))
            await made_are([1])
            order_paid.send(None, order_id=2)
            await made_are([1, 2])
            worker.cancel()

    asyncio.run(main())
    inserted = [
        each["args"]["receiver"]
        for each in memory.connector.jobs.values()
        if each["task_name"] == "clarion.deliver"
    ]
    assert inserted == ["shop.mail", "shop.mail"]


class _Waiting(InMemoryConnector):
    """Waits for something at each query, as a connector with a pool may."""

    async def generic_execute(self, query, suffix, **arguments):
        await asyncio.sleep(0)


class _Pooled(BaseAsyncConnector):
    """Has a pool that only its own loop can use, as connectors of other drivers."""

    def get_sync_connector(self):
        return self


@pytest.mark.parametrize("kind", [_Waiting, _Pooled])
def test_sync_code_in_a_loop_is_refused_by_other_connectors(order_paid, kind):
    """Where sync code would have to wait for its own loop, the send raises one sentence that names the cure."""
    app = library.App(connector=kind())
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app)(name="shop.mail"))

    async def main():
        order_paid.send(None, order_id=1)

    with pytest.raises(
        HandOverError, match=f"cannot hand shop.mail.*{kind.__name__}.*Send by asend"
    ):
        asyncio.run(main())


def test_stalled_jobs_are_lost_without_the_rescue(memory):
    """Without the rescue, stalled jobs are listed as a loss, with the setting."""
    (loss,) = ProcrastinateDelivery(memory, rescue=None).engine.losses()
    assert "rescue=None" in loss
    other = library.App(connector=InMemoryConnector())
    assert list(ProcrastinateDelivery(other).engine.losses()) == []


@pytest.mark.parametrize("rescue", [0, -1, "30", float("nan"), True])
def test_rescue_is_a_number_of_seconds(memory, rescue):
    """A `rescue` that is no number of seconds is refused."""
    with pytest.raises(ArgumentError, match="rescue"):
        ProcrastinateDelivery(memory, rescue=rescue)


def test_only_apps_are_accepted():
    """Anything but an App of Procrastinate is refused."""
    no_app: Any = 5
    with pytest.raises(ArgumentError, match="App of procrastinate"):
        ProcrastinateDelivery(no_app)
