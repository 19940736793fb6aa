"""Huey passes the conformance suite, but for the death of a consumer."""

import signal
from datetime import UTC, datetime

from tests.background import program
from tests.background.conformance import BrokerConformance, Conformance
from tests.background.program import happened
from tests.background.stages.huey_stages import HueyOnRedis, HueyOnSqlite


class HueyConformance(Conformance):
    """What holds for Huey on any storage."""

    def test_options_reach_the_engine(self, stage, name):
        """A task does not run after its `expires`."""
        delivery = stage.delivery(expires=datetime(2020, 1, 1, tzinfo=UTC))
        happened.connect(program.note, sender="expired", delivery=delivery)
        happened.send("expired", name=name)
        self.reach(stage)
        assert stage.effects.of("note", name) == []
        assert "expired, not executing" in stage.output()

    def test_a_killed_consumer_loses_its_task(self, stage, name):
        """The task of a killed consumer is lost, as the delivery says."""
        assert "killed" in stage.delivery.engine.losses()[0]
        happened.send("slow", name=name)
        happened.send("note", name=name)
        stage.effects.wait_for("slow begins", name)
        stage.kill_workers(signal.SIGKILL)
        stage.start_worker()
        stage.effects.wait_for("note", name)
        assert len(stage.effects.of("slow begins", name)) == 1
        assert stage.effects.of("slow", name) == []


class TestOnSqlite(HueyConformance):
    """Huey on a file."""

    stage_class = HueyOnSqlite


class TestOnRedis(HueyConformance, BrokerConformance):
    """Huey on Redis."""

    stage_class = HueyOnRedis
