"""How a worker calls one receiver: with which arguments."""

from uuid import UUID

import pytest

from clarion import durable
from tests.worker.stage import until_empty, worker


def test_a_receiver_gets_what_it_requests(stage, paid):
    """A receiver gets the uid, the same at each attempt, and the attempt from 1 on."""
    seen = []

    @paid.connect(delivery=durable(name="seen", backoff=0.0))
    def receive(sender, n, delivery_uid, attempt, **kwargs):
        seen.append((n, delivery_uid, attempt))
        if attempt == 1:
            raise ValueError

    stage.send(paid, [{"n": 1}])
    until_empty(stage)
    (_, uid, _), _ = seen
    assert type(uid) is UUID
    assert seen == [(1, uid, 1), (1, uid, 2)]


def test_a_receiver_gets_only_what_it_accepts(stage, paid):
    """A receiver gets only the arguments that it accepts, as in a send."""
    seen = []

    @paid.connect(delivery=durable(name="seen"))
    def receive(sender, **kwargs):
        seen.append((sender, kwargs))

    stage.send(paid, [{"n": 1}])
    worker(stage).drain()
    assert seen == [(None, {"n": 1, "signal": paid})]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_receiver_that_has_changed_lacks_a_keyword(stage, paid, is_async):
    """Python's own error would say neither which send lacks it, nor what to do."""

    def before(sender, n, **kwargs):
        raise AssertionError

    def after(sender, n, cents, delivery_uid, **kwargs):
        raise AssertionError

    async def after_async(sender, n, cents, delivery_uid, **kwargs):
        raise AssertionError

    paid.connect(before, delivery=durable(name="pay"))
    stage.send(paid, [{"n": 1}])
    paid.disconnect(before)
    changed = after_async if is_async else after
    paid.connect(changed, delivery=durable(name="pay", retries=0))
    assert worker(stage).drain()["dead"] == 1
    (dead,) = stage.dead()
    assert "has no cents, which receiver" in dead.error
    assert "Give the parameter a default, or register an upcaster" in dead.error
