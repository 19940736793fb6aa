"""Dramatiq passes the conformance suite."""

import pytest

from tests.background import program
from tests.background.conformance import (
    BrokerConformance,
    Conformance,
    KillConformance,
    ViaConformance,
)
from tests.background.program import happened
from tests.background.stages.dramatiq_stages import DramatiqOnRabbit, DramatiqOnRedis

pytestmark = pytest.mark.engines


class DramatiqConformance(Conformance):
    """What holds for Dramatiq on any broker."""

    def test_without_retries_there_is_one_run(self, stage, name):
        """Without `retries`, Dramatiq's own default tries a receiver again."""
        happened.connect(program.ask_again, sender="once", delivery=stage.delivery)
        happened.send("once", name=name)
        found = stage.effects.wait_for("ask_again", name, count=2)
        assert [each["attempt"] for each in found] == [1, 2]


class TestOnRedis(DramatiqConformance, BrokerConformance, KillConformance, ViaConformance):
    """Dramatiq on Redis."""

    stage_class = DramatiqOnRedis


class TestOnRabbit(DramatiqConformance, BrokerConformance, KillConformance, ViaConformance):
    """Dramatiq on RabbitMQ, which confirms."""

    stage_class = DramatiqOnRabbit
