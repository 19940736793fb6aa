"""Celery passes the conformance suite."""

import pytest

from tests.background.conformance import (
    BrokerConformance,
    Conformance,
    KillConformance,
    LossConformance,
    ViaConformance,
)
from tests.background.stages.celery_stages import CeleryOnRabbit, CeleryOnRedis, ForgetfulCelery

pytestmark = pytest.mark.engines


class TestOnRedis(Conformance, BrokerConformance, KillConformance, ViaConformance):
    """Celery on Redis."""

    stage_class = CeleryOnRedis

    @pytest.mark.slow  # kombu looks for the tasks of dead workers every 100 seconds
    def test_a_killed_worker_loses_nothing(self, stage, name):
        """After the visibility timeout, another worker makes the call of a killed one."""
        super().test_a_killed_worker_loses_nothing(stage, name)


class TestOnRabbit(Conformance, BrokerConformance, KillConformance, ViaConformance):
    """Celery on RabbitMQ, whose confirms are on."""

    stage_class = CeleryOnRabbit


class TestWithoutSettings(LossConformance):
    """Celery that acknowledges a task before it runs."""

    stage_class = ForgetfulCelery
