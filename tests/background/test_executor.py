"""ExecutorDelivery: receivers in a pool of threads or processes."""

import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

from clarion import Signal
from clarion.background import ExecutorDelivery
from clarion.commit import atomic
from clarion.errors import ArgumentError, UnknownReceiverError
from tests.background.effects import Effects
from tests.background.program import actor, connect, happened

made: list[Any] = []


def mail(sender, **kwargs):
    """Note the call."""
    made.append((kwargs["order_id"], threading.current_thread().name))


@pytest.fixture
def order_paid():
    """Return a signal."""
    made.clear()
    return Signal(name="tests.executor.order_paid")


@pytest.fixture
def effects(tmp_path, monkeypatch):
    """Return the file of effects of the receivers."""
    found = Effects(tmp_path / "effects")
    monkeypatch.setenv(found.VARIABLE, str(found.path))
    return found


def test_a_thread_pool_calls_receivers_after_the_commit(order_paid, connection):
    """A thread of the pool calls the receiver after the commit, and never before it."""
    with ThreadPoolExecutor(1, thread_name_prefix="pool") as pool:
        order_paid.connect(mail, delivery=ExecutorDelivery(pool))
        with atomic(connection):
            order_paid.send(None, order_id=1)
            pool.submit(int).result()
            assert made == []
    ((order_id, name),) = made
    assert order_id == 1
    assert name.startswith("pool")


def connect_to_nothing():
    """Connect the receivers in a process of the pool."""
    connect(ExecutorDelivery(ThreadPoolExecutor(1)))


def test_a_process_pool_calls_receivers(effects):
    """The processes connect the receivers themselves, and get text."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=connect_to_nothing) as pool:
        connect(ExecutorDelivery(pool))
        actor.set("ada")
        for name in ("note", "anote", "fail"):
            happened.send(name, name="x")
    noted = effects.of("note") + effects.of("anote")
    assert [each["actor"] for each in noted] == ["ada", "ada"]
    assert all(each["pid"] != multiprocessing.current_process().pid for each in noted)
    assert [each["attempt"] for each in effects.of("fail")] == [1, 2, 3]


def test_the_outcome_of_receivers(effects):
    """In a pool, a receiver that raises `Retry` runs again, and one that raises `Reject` does not."""
    with ThreadPoolExecutor(1) as pool:
        connect(ExecutorDelivery(pool))
        happened.send("ask_again", name="x")
        happened.send("reject", name="x")
    assert [each["attempt"] for each in effects.of("ask_again")] == [1, 2]
    assert [each["attempt"] for each in effects.of("reject")] == [1]


def test_a_disconnected_receiver_is_not_awaited(order_paid, caplog):
    """A pool does not try again for a receiver that its program does not know."""
    release = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(release.wait)
        order_paid.connect(mail, delivery=ExecutorDelivery(pool))
        order_paid.send(None, order_id=1)
        order_paid.disconnect(mail)
        release.set()
    errors = [each.exc_info[0] for each in caplog.records if each.exc_info]
    assert errors == [UnknownReceiverError]


def test_other_options_are_refused(order_paid):
    """A delivery to an executor refuses options that are not ours."""
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(ArgumentError, match="An executor has no option queue"),
    ):
        order_paid.connect(mail, delivery=ExecutorDelivery(pool)(queue="mail"))


def test_only_executors_are_accepted():
    """An object without `submit` is refused."""
    no_executor: Any = 5
    with pytest.raises(ArgumentError, match="ThreadPoolExecutor"):
        ExecutorDelivery(no_executor)


def test_a_call_that_the_pool_drops_is_logged(order_paid, caplog):
    """The pool is shut down before it makes the call, or its threads cannot start."""
    release = threading.Event()
    stopped = ThreadPoolExecutor(1)
    with order_paid.connected(mail, delivery=ExecutorDelivery(stopped)(name="shop.mail")):
        stopped.submit(release.wait)
        order_paid.send(None, order_id=1)
        stopped.shutdown(wait=False, cancel_futures=True)
        release.set()
    with (
        ThreadPoolExecutor(1, initializer=divmod, initargs=(1, 0)) as broken,
        order_paid.connected(mail, delivery=ExecutorDelivery(broken)(name="shop.mail")),
    ):
        order_paid.send(None, order_id=2)
    found = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert [each for each in found if each.startswith("Receiver")] == [
        "Receiver shop.mail was not called, because its pool was shut down",
        "Receiver shop.mail may not have been called, because its pool is broken",
    ]
    assert made == []
