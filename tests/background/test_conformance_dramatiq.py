"""Dramatiq passes the conformance suite."""

import pytest

from tests.background.conformance import (
    BrokerConformance,
    Conformance,
    KillConformance,
    ViaConformance,
)
from tests.background.stages.dramatiq_stages import DramatiqOnRabbit, DramatiqOnRedis

pytestmark = pytest.mark.engines


class TestOnRedis(Conformance, BrokerConformance, KillConformance, ViaConformance):
    """Dramatiq on Redis."""

    stage_class = DramatiqOnRedis


class TestOnRabbit(Conformance, BrokerConformance, KillConformance, ViaConformance):
    """Dramatiq on RabbitMQ, which confirms."""

    stage_class = DramatiqOnRabbit
