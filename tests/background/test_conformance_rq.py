"""RQ passes the conformance suite."""

import os
import signal

import pytest

from clarion.background import Call
from clarion.background.call import write_body
from clarion.envelope import seal
from tests.background import program
from tests.background.conformance import (
    BrokerConformance,
    Conformance,
    KillConformance,
    ViaConformance,
)
from tests.background.program import happened
from tests.background.stages.rq_stage import RQStage


class TestRQ(Conformance, BrokerConformance, KillConformance, ViaConformance):
    """RQ on Redis, whose worker has a scheduler."""

    stage_class = RQStage

    def test_duplicates_have_the_same_uid(self, stage, name):
        """RQ leaves out the second of two calls with the same uid."""
        envelope = seal(happened, {"sender": "note", "signal": happened, "name": name})
        receiver = f"{program.__name__}:note"
        call = Call(receiver, envelope.uid, write_body(receiver, None, envelope))
        stage.delivery.engine.enqueue(call)
        stage.effects.wait_for("note", name)
        stage.delivery.engine.enqueue(call)
        self.reach(stage)
        assert len(stage.effects.of("note", name)) == 1

    def test_a_killed_worker_loses_nothing(self, stage, name):
        """With retries, the call of a killed process is made again."""
        begun = self.begin(stage, name)
        os.kill(begun["pid"], signal.SIGKILL)
        (made,) = stage.effects.wait_for("slow", name)
        assert made["uid"] == begun["uid"]
        assert len(stage.effects.of("slow begins", name)) == 2

    def test_a_crash_after_the_hand_over_gives_a_duplicate_without_effect(
        self, stage, name, outbox
    ):
        """RQ leaves out the duplicate that a crash after the hand-over causes."""
        self.hand_over_and_die(stage, name, outbox)
        stage.effects.wait_for("pay", name)
        outbox.empty()
        self.reach(stage)
        assert len(stage.effects.of("pay", name)) == 1
        paid = outbox.connection.connection.execute("SELECT name FROM payments").fetchall()
        assert paid == [(name,)]

    @pytest.mark.slow  # RQ takes a worker for dead after 90 seconds, and looks every ten minutes
    def test_a_dead_machine_loses_nothing(self, stage, name):
        """If a worker and its child are killed, another worker makes the call."""
        begun = self.begin(stage, name)
        stage.kill_workers(signal.SIGKILL)
        os.kill(begun["pid"], signal.SIGKILL)
        stage.start_worker()
        stage.effects.wait_for("slow", name, seconds=900)
        assert len(stage.effects.of("slow begins", name)) == 2

    def begin(self, stage, name):
        """Let a worker begin a call that takes some seconds, and return what it has written."""
        assert list(stage.delivery.engine.losses()) == []
        happened.connect(program.slow, sender="killed", delivery=stage.delivery(retries=1))
        happened.send("killed", name=name)
        return stage.effects.wait_for("slow begins", name)[0]
