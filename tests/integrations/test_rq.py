"""Receivers that RQ carries out, by a worker in this process."""

import logging
import secrets
import socket
from math import inf
from uuid import uuid4

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry as TryAgain
from rq import Queue, SimpleWorker
from rq.scheduler import RQScheduler

from clarion import Signal
from clarion.background import Call
from clarion.errors import ArgumentError, HandOverError, Reject, Retry
from clarion.integrations.rq import OPTIONS, TASK, RQDelivery, RQEngine
from tests.integrations.engine_receivers import attempts, calls, mail_order
from tests.services import REDIS

pytestmark = pytest.mark.service

order_paid = Signal(name="tests.rq.order_paid")


def mail(sender, order_id, attempt, delivery_uid, **kwargs):
    calls.append((order_id, attempt, delivery_uid))
    if order_id == "fails":
        raise LookupError(order_id)
    if order_id == "asks" and attempt == 1:
        raise Retry(after=30)
    if order_id == "rejects":
        raise Reject(order_id)


@pytest.fixture(autouse=True)
def no_calls():
    """Clear the calls of the previous test."""
    calls.clear()


@pytest.fixture
def connection():
    """Yield a connection to Redis."""
    with Redis.from_url(REDIS.url(), socket_timeout=5) as opened:
        yield opened


@pytest.fixture
def queue(connection):
    """Yield an empty queue, and delete it with its jobs after the test."""
    made = Queue(f"clarion-{secrets.token_hex(6)}", connection=connection, serializer="json")
    yield made
    for registry in (made.failed_job_registry, made.finished_job_registry, scheduled(made)):
        for job in registry.get_job_ids():
            registry.remove(job, delete_job=True)
    made.delete(delete_jobs=True)


def scheduled(queue):
    """Return the registry of jobs that wait for a time."""
    return queue.scheduled_job_registry


def work(queue, *, due=False):
    """Make the jobs of a queue; also those that wait for a time."""
    for job in scheduled(queue).get_job_ids() if due else ():
        scheduled(queue).remove(job)
        queue._enqueue_job(queue.fetch_job(job))
    worker = SimpleWorker([queue], connection=queue.connection, serializer="json")
    worker.work(burst=True, logging_level="CRITICAL")


def test_a_worker_calls_sync_and_async_receivers(queue):
    """A sync and an async receiver get the arguments and the uid of the send."""
    delivery = RQDelivery(queue)
    with (
        order_paid.connected(mail, delivery=delivery),
        order_paid.connected(mail_order, delivery=delivery),
    ):
        responses = order_paid.send(None, order_id=1)
        work(queue)
    assert (1, 1, responses[0][1].uid) in calls
    assert (1, "async") in calls


def test_a_job_has_the_options(queue):
    """A job has our options translated and RQ's unchanged; its description shows the receiver."""
    delivery = RQDelivery(queue)(retries=2, job_timeout=7, failure_ttl=60, name="mail")
    with order_paid.connected(mail, delivery=delivery):
        order_paid.send(None, order_id=1)
    (job,) = queue.get_jobs()
    assert (job.func_name, job.description) == (TASK, "mail")
    assert (job.timeout, job.failure_ttl, job.retries_left) == (7, 60, 2)


def test_a_duplicate_is_left_out(queue):
    """A call that is handed over twice is left out, and another receiver of the same send is not."""
    uid = uuid4()
    for receiver in ("mail", "mail", "log"):
        RQEngine(queue).enqueue(Call(receiver, uid, "{}"))
    assert [job.description for job in queue.get_jobs()] == ["mail", "log"]


def test_a_delay_is_scheduled(queue):
    """A delayed job waits in the registry of the scheduler."""
    with order_paid.connected(mail, delivery=RQDelivery(queue)(delay=60)):
        order_paid.send(None, order_id=1)
        work(queue)
        assert attempts(1) == []
        work(queue, due=True)
    assert attempts(1) == [1]


def test_a_scheduler_that_cannot_be_looked_for_fails_no_call(queue):
    """The user of the sender may have no right to read the key of the scheduler."""
    user = f"clarion-{secrets.token_hex(6)}"
    queue.connection.acl_setuser(
        user, enabled=True, nopass=True, commands=["+@all"], keys=["rq:[^s]*", "rq:scheduled:*"]
    )
    try:
        with Redis.from_url(REDIS.url(), username=user, password=user) as connection:
            limited = Queue(queue.name, connection=connection, serializer="json")
            with order_paid.connected(mail, delivery=RQDelivery(limited)(delay=60)):
                [(_, handed)] = order_paid.send(None, order_id=1)
    finally:
        queue.connection.acl_deluser(user)
    assert (handed.outcome, scheduled(queue).count) == ("enqueued", 1)


def test_a_missing_scheduler_is_said(queue, caplog):
    """At the first call with a delay, and where a failed call waits for its next attempt."""
    delivery = RQDelivery(queue)(name="mail")
    said = (
        f"No scheduler of RQ serves the queue {queue.name}, so a call of mail waits until one does"
    )
    with order_paid.connected(mail, delivery=delivery(delay=60)):
        order_paid.send(None, order_id=1)
        order_paid.send(None, order_id=2)
    with order_paid.connected(mail, delivery=delivery(retries=1)):
        order_paid.send(None, order_id="asks")
        work(queue)
        lock = RQScheduler([queue], connection=queue.connection)
        lock.acquire_locks()
        order_paid.send(None, order_id="asks")
        work(queue)
        lock.release_locks()
    found = [each.getMessage() for each in caplog.records if each.name == "clarion.background"]
    assert found == [said, said]


def test_retries_are_counted(queue):
    """With `retries=2` a receiver runs three times with one uid; then the job is listed as failed."""
    with order_paid.connected(mail, delivery=RQDelivery(queue)(retries=2)):
        order_paid.send(None, order_id="fails")
        for _ in range(5):
            work(queue, due=True)
    assert attempts("fails") == [1, 2, 3]
    assert len({uid for _, _, uid in calls}) == 1
    (failed,) = queue.failed_job_registry.get_job_ids()
    assert "LookupError: fails" in queue.fetch_job(failed).latest_result().exc_string


def test_without_retries_a_receiver_runs_once(queue):
    """Without `retries` a receiver runs once, because RQ does not retry by itself."""
    with order_paid.connected(mail, delivery=RQDelivery(queue)):
        order_paid.send(None, order_id="fails")
        for _ in range(2):
            work(queue, due=True)
    assert attempts("fails") == [1]


def test_a_receiver_decides(queue):
    """`Retry` causes another run after its wait, and `Reject` prevents one."""
    with order_paid.connected(mail, delivery=RQDelivery(queue)(retries=2)):
        order_paid.send(None, order_id="asks")
        order_paid.send(None, order_id="rejects")
        work(queue)
        (waiting,) = scheduled(queue).get_job_ids()
        assert "asks" in queue.fetch_job(waiting).args[0]
        for _ in range(2):
            work(queue, due=True)
    assert attempts("asks") == [1, 2]
    assert attempts("rejects") == [1]


def test_an_unknown_receiver_is_waited_for(queue):
    """A worker keeps the job of a receiver that it does not know yet, without `retries`, too."""
    with order_paid.connected(mail, delivery=RQDelivery(queue)):
        order_paid.send(None, order_id="early")
    work(queue)
    assert queue.failed_job_registry.get_job_ids() == []
    with order_paid.connected(mail, delivery=RQDelivery(queue)):
        work(queue, due=True)
    assert attempts("early") == [2]


def test_a_queue_without_workers_runs_at_once(connection, queue):
    """In RQ's own mode for tests, a queue makes the call at once."""
    at_once = Queue(queue.name, connection=connection, serializer="json", is_async=False)
    with order_paid.connected(mail, delivery=RQDelivery(at_once)):
        order_paid.send(None, order_id=1)
    assert attempts(1) == [1]


def test_an_unknown_option_is_refused(queue):
    """The refusal of an unknown option names it, and the known ones."""
    with pytest.raises(ArgumentError, match=r"'queue'|queue.*job_timeout"):
        order_paid.connect(mail, delivery=RQDelivery(queue)(queue="mail"))
    assert {"job_timeout", "at_front"} <= OPTIONS
    assert not OPTIONS & {"retry", "job_id", "unique", "args"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("job_timeout", "abc"), ("ttl", -1), ("result_ttl", object()), ("on_success", "note")],
)
def test_a_value_that_rq_does_not_take_is_refused(queue, name, value):
    """A value with which RQ makes no job is refused at connect, and not at each send."""
    with pytest.raises(ArgumentError, match="RQ makes no job") as caught:
        order_paid.connect(mail, delivery=RQDelivery(queue)(**{name: value}))
    assert caught.value.names == (name,)
    with pytest.raises(ArgumentError, match="ends before a call may run"):
        order_paid.connect(mail, delivery=RQDelivery(queue)(ttl="30s", delay=60))


def test_something_else_is_refused():
    """Anything but a queue of RQ, as another engine's application, is refused."""
    with pytest.raises(ArgumentError, match="Queue"):
        RQDelivery("default")  # type: ignore[arg-type]


def test_pickle_is_a_loss(connection, queue, caplog):
    """Pickle is listed as a loss once, with the setting; a queue with JSON has none."""
    assert RQDelivery(queue).engine.losses() == []
    pickled = Queue(queue.name, connection=connection)
    with (
        caplog.at_level(logging.WARNING),
        order_paid.connected(mail, delivery=RQDelivery(pickled)),
    ):
        order_paid.send(None, order_id=1)
        order_paid.send(None, order_id=2)
    assert len([each for each in caplog.records if "serializer='json'" in each.message]) == 1


def test_a_timeout_of_the_connection_bounds_the_commit(queue):
    """A client that retries may exceed its timeout, so the delivery waits in a thread for its `hold`."""
    once = Redis(socket_timeout=2, socket_connect_timeout=1, retry=TryAgain(NoBackoff(), 0))
    bounded = Queue("clarion", connection=once, serializer="json")
    assert RQDelivery(bounded).engine.longest_wait == 3
    again = Queue("clarion", connection=Redis(socket_timeout=2), serializer="json")
    assert RQDelivery(again).engine.longest_wait == inf


def test_a_redis_that_does_not_answer_holds_up_the_commit_no_longer_than_hold():
    """A Redis that does not answer delays the commit by `hold` only, although redis-py retries."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connection = Redis(port=silent.getsockname()[1], socket_timeout=1)
        delivery = RQDelivery(Queue(connection=connection, serializer="json"), hold=0.2)
        with (
            order_paid.connected(mail, delivery=delivery),
            pytest.raises(HandOverError, match=r"within 0\.2 s"),
        ):
            order_paid.send(None, order_id=1)


def test_a_job_that_runs_at_once_needs_no_thread(queue):
    """A job that runs at once runs in the sender's thread, with its connection to the database."""
    at_once = Queue("clarion", connection=queue.connection, serializer="json", is_async=False)
    assert not RQDelivery(at_once).engine.holds_thread
    assert RQDelivery(queue).engine.holds_thread
