"""Dramatiq passes the conformance suite."""

import pytest

from tests.background.conformance import BrokerConformance, Conformance, KillConformance
from tests.background.stages.dramatiq_stages import DramatiqOnRabbit, DramatiqOnRedis

pytestmark = pytest.mark.engines


class TestOnRedis(Conformance, BrokerConformance, KillConformance):
    """Dramatiq on Redis."""

    stage_class = DramatiqOnRedis


class TestOnRabbit(Conformance, BrokerConformance, KillConformance):
    """Dramatiq on RabbitMQ, which confirms."""

    stage_class = DramatiqOnRabbit
