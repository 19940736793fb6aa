"""The tasks of an app: the carrier of all receivers, and the rescue of its jobs."""

import asyncio

import procrastinate as library
import pytest
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job
from procrastinate.retry import RetryDecision
from procrastinate.testing import InMemoryConnector

from clarion import Signal
from clarion.background.call import write_body
from clarion.envelope import seal
from clarion.errors import ArgumentError
from clarion.integrations.procrastinate import ProcrastinateDelivery
from clarion.integrations.procrastinate.jobs import Retries
from tests.integrations.procrastinate.receivers import made, mail


def test_a_stopped_worker_gives_its_job_back():
    """A job that is aborted because the worker stops does not count as failed."""
    body = write_body("mail", None, seal(Signal(name="x"), {"sender": None}))
    job = Job(
        queue="x", lock=None, queueing_lock=None, task_name="x", task_kwargs={"call_body": body}
    )
    decide = Retries().get_retry_decision
    assert isinstance(decide(exception=JobAborted(), job=job), RetryDecision)
    assert decide(exception=LookupError(), job=job) is None


def test_the_tasks_are_registered_once():
    """Two deliveries share the tasks, which are registered once."""
    memory = library.App(connector=InMemoryConnector())
    ProcrastinateDelivery(memory)
    carrier = memory.tasks["clarion.deliver"]
    ProcrastinateDelivery(memory)
    assert memory.tasks["clarion.deliver"] is carrier
    assert len(memory.periodic_registry.periodic_tasks) == 1


@pytest.mark.parametrize(("first", "second"), [(30.0, 60.0), (30.0, None), (None, 30.0)])
def test_an_app_has_one_rescue(first, second):
    """A second delivery with another `rescue` is refused, because one of them would be ignored."""
    memory = library.App(connector=InMemoryConnector())
    ProcrastinateDelivery(memory, rescue=first)
    with pytest.raises(ArgumentError, match=f"rescue={first}, and"):
        ProcrastinateDelivery(memory, rescue=second)


@pytest.mark.service
def test_the_rescue_runs_stalled_jobs_again(order_paid, app, jobs, options):
    """With the rescue, another worker makes the job of one that is gone."""
    order_paid.connect(mail, delivery=ProcrastinateDelivery(app, rescue=5))
    order_paid.send(None, order_id=7)
    app.configure_task("clarion.rescue").defer(timestamp=0)

    async def main():
        async with library.App(connector=library.PsycopgConnector(**options)).open_async() as other:
            manager = other.job_manager
            worker = await manager.register_worker()
            assert (await manager.fetch_job(queues=None, worker_id=worker)) is not None
            await manager.unregister_worker(worker)
        assert [status for _, _, status in jobs()] == ["doing", "todo"]
        async with app.open_async():
            await app.run_worker_async(wait=False, install_signal_handlers=False)

    asyncio.run(main())
    # The periodic rescue of this minute may have run as well.
    assert {status for _, _, status in jobs()} == {"succeeded"}
    assert made == [7]
