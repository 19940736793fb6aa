"""Taskiq passes the conformance suite."""

import signal
import threading

import pytest

from tests.background.conformance import (
    BrokerConformance,
    Conformance,
    KillConformance,
    LossConformance,
    ViaConformance,
)
from tests.background.program import happened
from tests.background.stages.taskiq_stages import TaskiqOnList, TaskiqOnRabbit, TaskiqOnRedis

pytestmark = pytest.mark.engines


class TestOnRedis(Conformance, BrokerConformance, KillConformance, ViaConformance):
    """Taskiq on Redis streams."""

    stage_class = TaskiqOnRedis

    def test_a_killed_worker_loses_nothing(self, stage, name):
        """When another task arrives, a worker takes the calls of a killed one."""
        assert list(stage.delivery.engine.losses()) == []
        happened.send("slow", name=name)
        stage.effects.wait_for("slow begins", name)
        stage.kill_workers(signal.SIGKILL)
        stage.start_worker()
        is_over = threading.Event()

        def send_others():
            while not is_over.wait(1):
                happened.send("note", name="another")

        thread = threading.Thread(target=send_others)
        thread.start()
        try:
            (made,) = stage.effects.wait_for("slow", name, seconds=120)
        finally:
            is_over.set()
            thread.join()
        begun = stage.effects.of("slow begins", name)
        assert {each["uid"] for each in begun} == {made["uid"]}
        assert len({each["pid"] for each in begun}) == 2


class TestOnRabbit(Conformance, BrokerConformance, KillConformance, ViaConformance):
    """Taskiq on RabbitMQ."""

    stage_class = TaskiqOnRabbit


class TestOnList(LossConformance):
    """Taskiq on a Redis list, which has no acknowledgement."""

    stage_class = TaskiqOnList
