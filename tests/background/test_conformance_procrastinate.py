"""Procrastinate passes the conformance suite."""

import pytest

from tests.background.conformance import (
    BrokerConformance,
    Conformance,
    KillConformance,
    ViaConformance,
)
from tests.background.stages.procrastinate_stage import ProcrastinateStage

pytestmark = pytest.mark.engines


class TestProcrastinate(Conformance, BrokerConformance, KillConformance, ViaConformance):
    """Procrastinate on PostgreSQL, with the rescue of stalled jobs."""

    stage_class = ProcrastinateStage
