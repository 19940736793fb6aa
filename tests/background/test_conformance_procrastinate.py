"""Procrastinate passes the conformance suite."""

import pytest

from tests.background import program
from tests.background.conformance import (
    BrokerConformance,
    Conformance,
    KillConformance,
    ViaConformance,
)
from tests.background.program import happened
from tests.background.stages.procrastinate_stage import ProcrastinateStage

pytestmark = pytest.mark.engines


class TestProcrastinate(Conformance, BrokerConformance, KillConformance, ViaConformance):
    """Procrastinate on PostgreSQL, with the rescue of stalled jobs."""

    stage_class = ProcrastinateStage

    def test_a_key_is_kept_or_refused(self, stage, name):
        """Calls with the same key run in the order of their sends, and none overtakes a retry."""
        delivery = stage.delivery(key="order", retries=1)
        happened.connect(program.ask_again, sender="keyed", delivery=delivery)
        for each in ("first", "second"):
            happened.send("keyed", name=f"{name} {each}", order=name)
        stage.effects.wait_for("ask_again", f"{name} second", count=2)
        runs = [run for run in stage.effects.of("ask_again") if name in run["name"]]
        assert [(run["name"].split()[1], run["attempt"]) for run in runs] == [
            ("first", 1),
            ("first", 2),
            ("second", 1),
            ("second", 2),
        ]
