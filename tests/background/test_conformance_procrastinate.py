"""Procrastinate passes the conformance suite."""

import pytest

from tests.background.conformance import BrokerConformance, Conformance, KillConformance
from tests.background.stages.procrastinate_stage import ProcrastinateStage

pytestmark = pytest.mark.engines


class TestProcrastinate(Conformance, BrokerConformance, KillConformance):
    """Procrastinate on PostgreSQL, with the rescue of stalled jobs."""

    stage_class = ProcrastinateStage
