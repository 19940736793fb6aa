"""Receivers that Huey carries out, in its immediate mode and by a consumer."""

import logging
import sqlite3
import time
from contextlib import closing
from math import inf
from typing import Any

import pytest
from huey import FileHuey, MemoryHuey, RedisHuey, SqliteHuey
from redis.backoff import NoBackoff
from redis.retry import Retry as TryAgain

from clarion import Signal
from clarion.background.monitoring import TASK
from clarion.commit import atomic
from clarion.errors import ArgumentError, HandOverError, Reject, Retry
from clarion.integrations.huey import OPTIONS, HueyDelivery
from tests.integrations.engine_receivers import attempts, calls, fail, mail_order

order_paid = Signal(name="tests.huey.order_paid")


def mail(sender, order_id, attempt, delivery_uid, **kwargs):
    calls.append((order_id, attempt, delivery_uid))
    if order_id == "fails":
        raise LookupError(order_id)
    if order_id == "asks" and attempt == 1:
        raise Retry(after=0)
    if order_id == "rejects":
        raise Reject(order_id)


@pytest.fixture(autouse=True)
def no_calls():
    """Clear the calls of the previous test."""
    calls.clear()


@pytest.fixture
def huey():
    """Return an instance that runs tasks where they are enqueued."""
    return MemoryHuey("tests", immediate=True)


@pytest.fixture
def stored(tmp_path):
    """Return an instance that stores tasks in a file."""
    return SqliteHuey("tests", filename=str(tmp_path / "huey.db"))


def test_a_task_runs_after_the_commit(huey):
    """A task runs after the commit, not before it and not after a rollback."""
    delivered = order_paid.connected(mail, delivery=HueyDelivery(huey))
    with delivered, closing(sqlite3.connect(":memory:")) as connection:
        with atomic(connection):
            order_paid.send(None, order_id=1)
            assert calls == []
        assert attempts(1) == [1]
        with pytest.raises(ZeroDivisionError), atomic(connection):
            order_paid.send(None, order_id=2)
            raise ZeroDivisionError
    assert attempts(2) == []


def test_async_receivers_run(huey):
    """Async receivers run, although Huey itself refuses async tasks."""
    with order_paid.connected(mail_order, delivery=HueyDelivery(huey)):
        order_paid.send(None, order_id=1)
    assert calls == [(1, "async")]


def test_retries_run_in_immediate_mode(huey):
    """In immediate mode the attempts follow each other, because Huey runs no task there that waits."""
    with order_paid.connected(fail, delivery=HueyDelivery(huey)(retries=5)):
        order_paid.send(None)
    assert calls == [1, 2, 3, 4, 5, 6]
    assert huey.scheduled_count() == 0


def test_a_task_has_the_options(stored):
    """A task has our options translated and Huey's unchanged; its identifier shows the receiver."""
    expires = 60
    delivery = HueyDelivery(stored)(retries=2, priority=7, expires=expires, timeout=5, name="mail")
    with order_paid.connected(mail, delivery=delivery):
        ((_, response),) = order_paid.send(None, order_id=1)
    task = stored.dequeue()
    assert (task.name, task.id) == (TASK, f"mail:{response.uid}")
    assert (task.retries, task.priority, task.expires, task.timeout) == (2, 7, expires, 5)


def test_a_delay_is_scheduled(stored):
    """The task of a delayed call has the time before which it does not run."""
    with order_paid.connected(mail, delivery=HueyDelivery(stored)(delay=60)):
        order_paid.send(None, order_id=1)
    assert not stored.ready_to_run(stored.dequeue())


def test_an_unknown_option_is_refused(huey):
    """The refusal of an unknown option names it, and the known ones."""
    with pytest.raises(ArgumentError, match=r"queue.*priority"):
        order_paid.connect(mail, delivery=HueyDelivery(huey)(queue="mail"))
    assert {"priority", "retry_delay"} <= OPTIONS


@pytest.mark.parametrize(
    ("name", "value"), [("priority", "high"), ("expires", "tomorrow"), ("expires", 0)]
)
def test_a_value_that_huey_does_not_take_is_refused(huey, name, value):
    """A value of another type is refused at connect, and not at each send."""
    with pytest.raises(ArgumentError) as caught:
        order_paid.connect(mail, delivery=HueyDelivery(huey)(**{name: value}))
    assert caught.value.names == (name,)


def test_something_else_is_refused():
    """Anything but an instance of Huey, as another engine's application, is refused."""
    with pytest.raises(ArgumentError, match="SqliteHuey"):
        HueyDelivery("huey.db")


def test_two_deliveries_share_the_task(huey):
    """Two deliveries share one task, because Huey refuses two of one name."""
    HueyDelivery(huey)
    with order_paid.connected(mail, delivery=HueyDelivery(huey)):
        order_paid.send(None, order_id=1)
    assert attempts(1) == [1]


def test_the_loss_is_said_and_no_setting_is_named(stored, caplog):
    """Each delivery lists Huey's loss once, without a setting, because no setting prevents it."""
    with (
        caplog.at_level(logging.WARNING),
        order_paid.connected(mail, delivery=HueyDelivery(stored)),
    ):
        order_paid.send(None, order_id=1)
        order_paid.send(None, order_id=2)
    assert [each.message for each in caplog.records if "killed" in each.message] == [
        HueyDelivery(stored).engine.losses()[0]
    ]


def test_what_may_hold_up_a_commit(huey, stored, tmp_path):
    """A server, and a file that another program may have locked; not memory, and not the immediate mode."""
    server = RedisHuey("tests", url="redis://127.0.0.1:1/0")
    files = FileHuey("tests", path=str(tmp_path / "files"))
    held = [
        HueyDelivery(each).engine.holds_thread
        for each in (huey, MemoryHuey("tests"), stored, files, server)
    ]
    assert held == [False, False, True, True, True]


def test_the_client_of_a_server_says_how_long_it_waits(stored):
    """The client of a server has a longest wait, without a limit if it retries; SQLite has one, too."""
    once = RedisHuey("tests", host="127.0.0.1", socket_timeout=2, socket_connect_timeout=1)
    again = RedisHuey("tests", host="127.0.0.1", retry=TryAgain(NoBackoff(), 3))
    waits = [HueyDelivery(each).engine.longest_wait for each in (stored, once, again)]
    assert waits == [10, 3, inf]


def test_a_locked_file_is_not_awaited_longer_than_hold(stored):
    """SQLite itself waits for five seconds, and then raises an error of its own."""
    with (
        closing(sqlite3.connect(stored.storage.filename, isolation_level=None)) as other,
        order_paid.connected(mail, delivery=HueyDelivery(stored, hold=0.2)),
    ):
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(HandOverError, match=r"within 0\.2 s"):
            order_paid.send(None, order_id=1)


@pytest.fixture
def consumer(stored):
    """Yield a running consumer of the stored tasks."""
    started = stored.create_consumer(workers=2, initial_delay=0.01, scheduler_interval=1)
    started.start()
    yield started
    started.stop(graceful=True)


def wait_for(order_id, count):
    """Wait until an order has so many attempts."""
    deadline = time.monotonic() + 30
    while len(attempts(order_id)) < count:
        assert time.monotonic() < deadline, calls
        time.sleep(0.02)


def test_retries_are_counted(stored, consumer):
    """With `retries=2` a receiver runs three times, with one uid."""
    with order_paid.connected(mail, delivery=HueyDelivery(stored)(retries=2, retry_delay=0.01)):
        order_paid.send(None, order_id="fails")
        wait_for("fails", 3)
        order_paid.send(None, order_id="later")
        wait_for("later", 1)
    assert attempts("fails") == [1, 2, 3]
    assert len({uid for order_id, _, uid in calls if order_id == "fails"}) == 1


def test_a_receiver_decides(stored, consumer):
    """`Retry` causes another run, and `Reject` prevents one."""
    with order_paid.connected(mail, delivery=HueyDelivery(stored)(retries=2)):
        order_paid.send(None, order_id="asks")
        order_paid.send(None, order_id="rejects")
        wait_for("asks", 2)
        wait_for("rejects", 1)
        order_paid.send(None, order_id="later")
        wait_for("later", 1)
    assert attempts("asks") == [1, 2]
    assert attempts("rejects") == [1]


def test_an_unknown_receiver_is_waited_for(stored, consumer):
    """A worker keeps the task of a receiver that it does not know yet, without `retries`, too."""
    with order_paid.connected(mail, delivery=HueyDelivery(stored)):
        stored_call = order_paid.send(None, order_id="early")
    assert stored_call
    deadline = time.monotonic() + 30
    while not stored.scheduled():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert calls == []
    with order_paid.connected(mail, delivery=HueyDelivery(stored)):
        wait_for("early", 1)
    assert attempts("early") == [2]


def test_a_span_of_the_enqueue_has_the_name_of_the_receiver(stored):
    """Sentry begins it for the one task of all receivers; a task of the program keeps its name."""
    sentry_sdk: Any = pytest.importorskip("sentry_sdk")
    other = stored.task(name="other")(print)
    with (
        order_paid.connected(mail, delivery=HueyDelivery(stored)(name="shop.mail")),
        sentry_sdk.start_transaction(name="request"),
    ):
        with sentry_sdk.start_span(op="queue.submit.huey", name="clarion.deliver") as span:
            order_paid.send(None, order_id=1)
        with sentry_sdk.start_span(op="queue.submit.huey", name="clarion.deliver") as foreign:
            other()
    assert (span.description, foreign.description) == ("shop.mail", "clarion.deliver")
