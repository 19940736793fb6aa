"""RQ passes the conformance suite."""

import signal

import pytest

from clarion.background import Call
from clarion.background.call import write_body
from clarion.envelope import seal
from tests.background import program
from tests.background.conformance import BrokerConformance, Conformance, KillConformance
from tests.background.program import happened
from tests.background.stages.rq_stage import RQStage


class TestRQ(Conformance, BrokerConformance, KillConformance):
    """RQ on Redis, whose worker has a scheduler."""

    stage_class = RQStage

    def test_duplicates_have_the_same_uid(self, stage, name):
        """The second one is left out, because RQ remembers the first."""
        envelope = seal(happened, {"sender": "note", "signal": happened, "name": name})
        receiver = f"{program.__name__}:note"
        call = Call(receiver, envelope.uid, write_body(receiver, None, envelope))
        stage.delivery.engine.enqueue(call)
        stage.effects.wait_for("note", name)
        stage.delivery.engine.enqueue(call)
        self.reach(stage)
        assert len(stage.effects.of("note", name)) == 1

    @pytest.mark.slow  # RQ takes a worker for dead after 90 seconds, and looks every ten minutes
    def test_a_killed_worker_loses_nothing(self, stage, name):
        """With retries, another worker makes the call."""
        happened.connect(program.slow, sender="slow", delivery=stage.delivery(retries=1))
        happened.send("slow", name=name)
        stage.effects.wait_for("slow begins", name)
        stage.kill_workers(signal.SIGKILL)
        stage.start_worker()
        stage.effects.wait_for("slow", name, seconds=900)
        assert len(stage.effects.of("slow begins", name)) == 2
